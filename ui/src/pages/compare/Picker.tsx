import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { tracesQuery } from "../../api/queries";
import { Cost, Duration } from "../../components/Figures";
import { ChevronIcon } from "../../components/icons";
import { Clock } from "../../components/Moment";
import { Opens } from "../../components/Opens";
import { Refusal } from "../../components/Told";
import { useWords } from "../../i18n/useWords";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type Props = { project: string; side: "a" | "b"; current: string | undefined; other: string | undefined };

/** Another trace for this side: one of the recent ones, or any by its id. */
export function Picker({ project, side, current, other }: Props) {
  const t = useWords();
  const navigate = useNavigate();
  return (
    <Opens
      named
      label={t("compare.choose")}
      className="button"
      opened="picker"
      trigger={
        <>
          {current === undefined ? t("compare.choose") : t("compare.other")}
          <ChevronIcon />
        </>
      }
    >
      {(close) => (
        <Recent
          {...{ project, current, other }}
          onChoose={(id) => {
            close();
            void navigate({ to: ".", replace: true, search: (now) => ({ ...now, [side]: id }) });
          }}
        />
      )}
    </Opens>
  );
}

type RecentProps = Pick<Props, "project" | "current" | "other"> & { onChoose: (id: string) => void };

function Recent({ project, current, other, onChoose: choose }: RecentProps) {
  const t = useWords();
  const [typed, setTyped] = useState("");
  const list = useInfiniteQuery(tracesQuery(project, "all"));
  const text = typed.trim().toLowerCase();
  const rows = (list.data?.pages.flatMap((page) => page.traces) ?? []).filter(
    (row) => row.trace_id !== other && `${row.name} ${row.input_preview} ${row.trace_id}`.toLowerCase().includes(text),
  );
  return (
    <>
      <Refusal error={list.error} />
      <input
        type="search"
        value={typed}
        placeholder={t("compare.search")}
        aria-label={t("compare.search")}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          const id = ID.test(text) ? text : rows[0]?.trace_id;
          if (id) choose(id);
        }}
      />
      <ul>
        {rows.slice(0, 50).map((row) => (
          <li key={row.trace_id}>
            <button type="button" aria-pressed={row.trace_id === current} onClick={() => choose(row.trace_id)}>
              <strong className="ellipsis">{row.name}</strong>
              <span className="muted">
                <Clock us={row.start_us} />
              </span>
              <Duration ms={row.duration_ms} />
              <Cost totals={row} noted />
              <span className="preview ellipsis">{row.input_preview}</span>
            </button>
          </li>
        ))}
      </ul>
      {list.data && rows.length === 0 && !ID.test(text) && <p className="muted">{t("compare.nothing")}</p>}
    </>
  );
}
