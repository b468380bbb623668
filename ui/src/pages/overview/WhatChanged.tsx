import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { contributionsQuery } from "../../api/queries";
import { keepRange } from "../../components/Frame";
import { Panel, Switch } from "../../components/Panel";
import { Ranked, Sentence } from "../../components/Ranked";
import { useWords } from "../../i18n/useWords";
import type { Range } from "../../model/time";
import { CAUSES } from "../../router";

const SHOWN = 8;

/** Ranked by how much each group changed the cost since the period before, in volume and in cost per call. */
export function WhatChanged({ project, range }: { project: string; range: Range }) {
  const t = useWords();
  const navigate = useNavigate();
  const { why = "node" } = useSearch({ from: "/projects/$project/overview" });
  const asked = useQuery(contributionsQuery(project, range, why));
  if (range === "all") {
    return (
      <Panel title={t("overview.changed")} asked={{ ...asked, data: null }}>
        <p className="muted panel-note">{t("overview.noBefore")}</p>
      </Panel>
    );
  }
  const data = asked.data;
  const rows = data?.groups.filter((row) => row.change_usd !== "0").slice(0, SHOWN) ?? [];
  return (
    <Panel
      asked={asked}
      title={t("overview.changed")}
      actions={
        <>
          <Switch
            label={t("overview.splitBy")}
            value={why}
            choices={CAUSES.map((value) => ({ value, label: t(`overview.by.${value}`) }))}
            onChoose={(next) => void navigate({ to: ".", search: (now) => ({ ...now, why: next }) })}
          />
          <Link className="more" to="/projects/$project/compare" params={{ project }} search={keepRange}>
            {t("compare.open")}
          </Link>
        </>
      }
    >
      {data && <Sentence total={data.total} />}
      {rows.length === 0 ? <p className="muted panel-note">{t("overview.noChange")}</p> : <Ranked rows={rows} />}
    </Panel>
  );
}
