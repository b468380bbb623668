import { Link } from "@tanstack/react-router";
import type { Coverage } from "../../api/schema";
import { keepRange } from "../../components/Frame";
import { Panel } from "../../components/Panel";
import { Stat } from "../../components/Stat";
import { useWords } from "../../i18n/useWords";
import { count, percent } from "../../model/format";
import { exactShare } from "../../model/quality";

/** The share of exact calls, and how many call paths lack usage. */
export function CoverageStat({ coverage }: { coverage: Coverage | undefined }) {
  const t = useWords();
  const share = coverage ? exactShare(coverage) : null;
  const silent = coverage ? coverage.paths.length - coverage.reporting : 0;
  return (
    <Stat
      label={t("nav.coverage")}
      note={
        coverage &&
        (silent > 0 ? (
          <span className="bad">{t("coverage.silentPaths", { count: silent })}</span>
        ) : (
          t("coverage.pathsOk", { count: coverage.paths.length })
        ))
      }
    >
      <span className={share !== null && share < 1 ? "num warn" : "num"}>{share === null ? "—" : percent(share)}</span>
    </Stat>
  );
}

type Asked = { data: Coverage | undefined; error: Error | null; refetch: () => Promise<unknown> };

/** Calls without usage or without a price: cause by cause, the cure one click away. */
export function Gaps({ project, asked }: { project: string; asked: Asked }) {
  const t = useWords();
  const gaps = (asked.data?.paths ?? []).flatMap((path) =>
    path.causes
      .filter((cause) => cause.kind !== "none")
      .map((cause) => ({ ...cause, path: path.call_path || t("coverage.unknownPath") })),
  );
  gaps.sort((a, b) => b.calls - a.calls);
  return (
    <Panel
      wide
      asked={asked}
      title={t("overview.gaps")}
      actions={
        <Link className="more" to="/projects/$project/coverage" params={{ project }} search={keepRange}>
          {t("overview.cures")}
        </Link>
      }
    >
      {gaps.length === 0 ? (
        <p className="muted panel-note">
          <i className="dot success" /> {t("overview.noGaps")}
        </p>
      ) : (
        <ul className="gaps">
          {gaps.map((gap) => (
            <li key={`${gap.path} ${gap.code}`}>
              <strong className="num">{count(gap.calls)}</strong>
              <span className="code">{gap.path}</span>
              <span className="muted">
                {t(`causes.${gap.code}` as "causes.stream_cut", { defaultValue: gap.text })}
                {gap.models.length > 0 && ` ${gap.models.join(", ")}`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
