import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext } from "react";
import { settingsQuery } from "../api/queries";
import { ownZone, zoneOf } from "../model/time";

const Zone = createContext<string>(ownZone());

/** One question for the whole page: a moment in a long list must not ask for its zone by itself. */
export function ZoneProvider({ project, children }: { project: string | undefined; children: ReactNode }) {
  const { data } = useQuery({ ...settingsQuery(project ?? ""), enabled: project !== undefined });
  return <Zone value={zoneOf(data)}>{children}</Zone>;
}

/** The time zone in which the page shows moments: the project's. */
export const useZone = () => useContext(Zone);
