import type { TFunction } from "i18next";
import { createContext, type ReactNode, useContext } from "react";
import { useTranslation } from "react-i18next";

const Words = createContext<TFunction | null>(null);

/** One subscription to the language for the whole page: a row of a long list must not cost one each. */
export function WordsProvider({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  return <Words value={t}>{children}</Words>;
}

/** The words of the chosen language. */
export function useWords(): TFunction {
  const t = useContext(Words);
  if (t === null) throw new Error("useWords stands outside of WordsProvider");
  return t;
}
