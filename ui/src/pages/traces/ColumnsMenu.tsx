import { ColumnsIcon } from "../../components/icons";
import { Opens } from "../../components/Opens";
import { Switch } from "../../components/Panel";
import { useWords } from "../../i18n/useWords";
import { COLUMNS, type Column, columnsText, NEWEST, SORTS, type Sort } from "../../model/columns";
import type { ListState } from "./useList";

/** Which columns are shown, how the list is ordered, and how high its rows are. */
export function ColumnsMenu({ list }: { list: ListState }) {
  const t = useWords();
  const { columns, sort, compact, set } = list;
  const toggle = (column: Column) =>
    set({
      cols: columnsText(columns.includes(column) ? columns.filter((one) => one !== column) : [...columns, column]),
    });
  const order = (next: Sort) => set({ sort: next === NEWEST ? undefined : next });
  return (
    <Opens trigger={<ColumnsIcon />} label={t("list.columnsOf")} className="quiet icon" opened="columns-menu">
      <h2>{t("list.columns")}</h2>
      <ul>
        {COLUMNS.map((column) => (
          <li key={column}>
            <label>
              <input type="checkbox" checked={columns.includes(column)} onChange={() => toggle(column)} />
              {t(HEADS[column])}
            </label>
          </li>
        ))}
      </ul>
      <h2>{t("list.order")}</h2>
      <div className="order">
        <select
          className="field small"
          aria-label={t("list.order")}
          value={sort.replace(/^-/, "")}
          onChange={(event) => order(`-${event.target.value}` as Sort)}
        >
          {SORTS.map((by) => (
            <option key={by} value={by}>
              {t(`list.orders.${by}`)}
            </option>
          ))}
        </select>
        <label>
          <input
            type="checkbox"
            checked={!sort.startsWith("-")}
            onChange={(event) => order(`${event.target.checked ? "" : "-"}${sort.replace(/^-/, "")}` as Sort)}
          />
          {t("list.rising")}
        </label>
      </div>
      <h2>{t("list.density")}</h2>
      <Switch
        label={t("list.density")}
        value={compact ? "compact" : "roomy"}
        choices={(["roomy", "compact"] as const).map((value) => ({ value, label: t(`list.${value}`) }))}
        onChoose={(next) => set({ dense: next === "compact" ? "compact" : undefined })}
      />
    </Opens>
  );
}

/** Where the words of a column stand. */
export const HEADS = {
  started: "traces.started",
  duration: "traces.duration",
  ttft: "models.ttft",
  tokens: "count.tokens",
  cost: "count.cost",
  calls: "count.llmCalls",
  runs: "list.runs",
  models: "traces.models",
  tags: "traces.tags",
  user: "traces.user",
  thread: "groups.thread",
} as const satisfies Record<Column, string>;
