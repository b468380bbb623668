import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { sessionQuery } from "../../api/session";
import { LoginPage } from "./LoginPage";

/** The pages, once the server lets this browser read. A server that does not answer is theirs to tell. */
export function LoginGate({ children }: { children: ReactNode }) {
  const { data, isFetched } = useQuery(sessionQuery);
  // Not `isPending`: a failed question is pending again whenever a page asks it, and the page would go and come for ever.
  if (!isFetched) return null;
  return data !== undefined && !data.logged_in ? <LoginPage state={data} /> : children;
}
