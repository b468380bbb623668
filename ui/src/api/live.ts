/** The live feed: when the server says that something moved, what is on screen is asked for again. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

export type LiveState = "live" | "connecting" | "off";

/** A burst of events becomes one refresh; a single one shows at once. */
const QUIET_MS = 400;
const EVENTS = ["message", "trace", "run", "charge"] as const;

export function useLive(project: string | undefined): LiveState {
  const cache = useQueryClient();
  const [state, setState] = useState<LiveState>("connecting");
  useEffect(() => {
    const query = project === undefined ? "" : `?project=${encodeURIComponent(project)}`;
    const source = new EventSource(`/everytoken/v1/live${query}`);
    let waiting = 0;
    let last = 0;
    const refresh = () => {
      waiting = 0;
      last = Date.now();
      void cache.invalidateQueries({ queryKey: ["projects"] });
      if (project !== undefined) void cache.invalidateQueries({ queryKey: ["project", project] });
    };
    const onMove = () => {
      if (waiting === 0) waiting = window.setTimeout(refresh, Math.max(0, last + QUIET_MS - Date.now()));
    };
    for (const name of EVENTS) source.addEventListener(name, onMove);
    source.onopen = () => setState("live");
    source.onerror = () => setState(source.readyState === EventSource.CLOSED ? "off" : "connecting");
    return () => {
      window.clearTimeout(waiting);
      source.close();
    };
  }, [cache, project]);
  return state;
}
