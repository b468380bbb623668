/** Who is logged in, logging in and logging out. The login itself is a cookie that no script can read. */

import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { get, send } from "./client";
import type { components } from "./schema";

export type SessionState = components["schemas"]["SessionState"];
export type Credentials = { key: string } | { name: string; password: string };

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => get("/everytoken/v1/session", {}, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export function useLogIn() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (credentials: Credentials) => send<SessionState>("POST", "/everytoken/v1/session", credentials),
    onSuccess: (state) => cache.setQueryData(sessionQuery.queryKey, state),
  });
}

export function useLogOut() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => send<SessionState>("DELETE", "/everytoken/v1/session"),
    onSuccess: (state) => {
      cache.setQueryData(sessionQuery.queryKey, state);
      // What was read belongs to the one who leaves. Not `clear`: whoever watches the login would watch a forgotten one.
      cache.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
    },
  });
}
