/** What administrators read and change: prices, keys, users, settings, and the log of it. */

import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { joinParts, type Repriced } from "../model/reprice";
import { type Range, windowOf } from "../model/time";
import { get, send } from "./client";
import type {
  KeyBody,
  KeyRow,
  NewKey,
  Override,
  RepriceResult,
  SettingsBody,
  SettingsView,
  UserBody,
  UserRow,
} from "./schema";

const ROOT = "/everytoken/v1";
const name = encodeURIComponent;

/** Prices listed for a text; the whole list holds thousands. */
const LISTED = 200;

export const pricesQuery = (q: string) =>
  queryOptions({
    queryKey: ["prices", "list", q],
    queryFn: ({ signal }) => get(`${ROOT}/prices`, { q: q || undefined, limit: LISTED }, signal),
    placeholderData: keepPreviousData,
  });

export const priceQuery = (
  model: string,
  provider: string | undefined,
  at: string | undefined,
  tier: string | undefined,
) =>
  queryOptions({
    queryKey: ["prices", "show", model, provider, at, tier],
    queryFn: ({ signal }) => get(`${ROOT}/prices/show`, { model, provider, at, tier }, signal),
    placeholderData: keepPreviousData,
  });

export const missingQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "missing", range],
    queryFn: ({ signal }) => get(`${ROOT}/prices/missing`, { project, ...windowOf(range, Date.now()) }, signal),
  });

export const overridesQuery = queryOptions({
  queryKey: ["prices", "overrides"],
  queryFn: ({ signal }) => get(`${ROOT}/prices/overrides`, {}, signal),
  retry: false,
});

/** After a price has changed, what is shown of prices is asked for again. */
function usePriceChange<Body, Answered>(change: (body: Body) => Promise<Answered>) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: ["prices"] }),
        cache.invalidateQueries({ queryKey: ["audit"] }),
        cache.invalidateQueries({ queryKey: ["project"] }),
      ]),
  });
}

export const usePutOverride = () =>
  usePriceChange((body: { name: string; toml: string }) =>
    send<Override>("PUT", `${ROOT}/prices/overrides/${name(body.name)}`, { toml: body.toml }),
  );

export const useDropOverride = () =>
  usePriceChange((which: string) => send<Override>("DELETE", `${ROOT}/prices/overrides/${name(which)}`));

export type Reprice = { project: string; range: Range; apply: boolean; onPart: (charges: number) => void };

/** Prices all charges of the window again, part by part. What was applied before a failure stays applied. */
export const useReprice = () =>
  usePriceChange(async ({ project, range, apply, onPart }: Reprice): Promise<Repriced & { applied: boolean }> => {
    const { from, to = Date.now() * 1_000 } = windowOf(range, Date.now());
    const body = { project, from: from === undefined ? null : String(from), to: String(to), apply };
    let cursor: string | null = null;
    let whole: Repriced | undefined;
    do {
      const part: RepriceResult = await send<RepriceResult>("POST", `${ROOT}/reprice`, { ...body, cursor });
      whole = whole === undefined ? part : joinParts(whole, part);
      cursor = part.next;
      onPart(whole.charges);
    } while (cursor !== null);
    return { ...whole, applied: apply };
  });

export const auditQuery = (action: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["audit", action],
    queryFn: ({ signal, pageParam }) =>
      get(`${ROOT}/audit`, { action, cursor: pageParam ?? undefined, limit: 50 }, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next,
    retry: false,
  });

export const keysQuery = queryOptions({
  queryKey: ["keys"],
  queryFn: ({ signal }) => get(`${ROOT}/keys`, {}, signal),
  retry: false,
});

export const usersQuery = queryOptions({
  queryKey: ["accounts"],
  queryFn: ({ signal }) => get(`${ROOT}/users`, {}, signal),
  retry: false,
});

function useChange<Body, Answered>(key: readonly string[], change: (body: Body) => Promise<Answered>) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: key }),
        cache.invalidateQueries({ queryKey: ["audit"] }),
        cache.invalidateQueries({ queryKey: ["session"] }),
      ]),
  });
}

/** The first key closes the server: the page logs in with it, or its text would vanish behind the login. */
export function useCreateKey(first: boolean) {
  return useMutation({
    mutationFn: async (body: KeyBody) => {
      const made = await send<NewKey>("POST", `${ROOT}/keys`, body);
      if (first && body.scopes.includes("read")) await send("POST", `${ROOT}/session`, { key: made.text });
      return made;
    },
  });
}

/** What is there to see once a new key's text has been copied. */
export function useKeysAgain() {
  const cache = useQueryClient();
  return () => {
    for (const queryKey of [["keys"], ["audit"], ["session"]]) void cache.invalidateQueries({ queryKey });
  };
}
export const useRevokeKey = () =>
  useChange(["keys"], (id: string) => send<KeyRow>("DELETE", `${ROOT}/keys/${name(id)}`));
export const usePutUser = () =>
  useChange(["accounts"], ({ name: who, ...body }: UserBody & { name: string }) =>
    send<UserRow>("PUT", `${ROOT}/users/${name(who)}`, body),
  );
export const useRemoveUser = () =>
  useChange(["accounts"], (who: string) => send<UserRow>("DELETE", `${ROOT}/users/${name(who)}`));

export const useChangeSettings = (project: string) =>
  useChange(["project", project], (body: SettingsBody) =>
    send<SettingsView>("PATCH", `${ROOT}/projects/${name(project)}/settings`, body),
  );

export type Masked = { text: string; matches: number };

/** What masks would leave of a text, worked out by the server: it is the one that masks. */
export const maskQuery = (project: string, body: { text: string; masks: string[]; mask_patterns: string[] }) =>
  queryOptions({
    queryKey: ["project", project, "masked", body],
    queryFn: () => send<Masked>("POST", `${ROOT}/projects/${name(project)}/settings/masked`, body),
    placeholderData: keepPreviousData,
    retry: false,
  });
