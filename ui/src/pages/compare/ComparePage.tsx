import { useParams, useSearch } from "@tanstack/react-router";
import { useWords } from "../../i18n/useWords";
import { TracePair } from "./TracePair";
import { Windows } from "./Windows";

const FROM = "/projects/$project/compare";

/** Two traces, or two windows of time, beside each other. */
export function ComparePage() {
  const t = useWords();
  const { project } = useParams({ from: FROM });
  const { a, b } = useSearch({ from: FROM });
  const traces = a !== undefined || b !== undefined;
  return (
    <div className="page compare">
      <header className="page-head">
        <h1>{traces ? t("compare.traces") : t("compare.windows")}</h1>
      </header>
      {traces ? <TracePair project={project} a={a} b={b} /> : <Windows project={project} />}
    </div>
  );
}
