import { useQuery } from "@tanstack/react-query";
import { Tabs } from "radix-ui";
import { runQuery } from "../../api/queries";
import type { RunDetail, RunRow, TraceView } from "../../api/schema";
import { Copy } from "../../components/Copy";
import { Duration } from "../../components/Figures";
import { CloseIcon } from "../../components/icons";
import { Json } from "../../components/Json";
import { Clock } from "../../components/Moment";
import { Failed, SkeletonRows } from "../../components/States";
import { StatusDot } from "../../components/Status";
import { useWords } from "../../i18n/useWords";
import { inputMessages, outputMessages } from "../../model/messages";
import { subtreeIds } from "../../model/rows";
import { TABS, type Tab } from "../../router";
import { Chat } from "./Chat";
import { Usage } from "./Usage";

type Props = { run: RunRow; view: TraceView; tab: Tab; onTab: (tab: Tab) => void; onClose: () => void };

/** What one run did and what it cost. */
export function Detail({ run, view, tab, onTab, onClose }: Props) {
  const t = useWords();
  const detail = useQuery(runQuery(view.trace.project, view.trace.trace_id, run.run_id));
  return (
    <section className="detail" aria-label={t("detail.label")}>
      <header className="detail-head">
        <StatusDot status={run.status} />
        <h2 className="ellipsis" title={run.name}>
          {run.name}
        </h2>
        <span className="chip plain">{run.run_type}</span>
        {run.node !== null && run.node !== run.name && <span className="chip plain">{run.node}</span>}
        <span className="spring" />
        <Copy text={run.run_id} label={t("actions.copyId")} />
        <button type="button" className="quiet icon" onClick={onClose} aria-label={t("detail.close")} title="Esc">
          <CloseIcon />
        </button>
      </header>
      <dl className="detail-facts">
        <div>
          <dt>{t("detail.duration")}</dt>
          <dd>
            <Duration ms={run.duration_ms} />
          </dd>
        </div>
        {run.ttft_ms !== null && (
          <div>
            <dt>{t("detail.ttft")}</dt>
            <dd>
              <Duration ms={run.ttft_ms} />
            </dd>
          </div>
        )}
        <div>
          <dt>{t("detail.start")}</dt>
          <dd>
            <Clock us={run.start_us} />
          </dd>
        </div>
      </dl>
      <Tabs.Root value={tab} onValueChange={(next) => onTab(next as Tab)} className="detail-tabs">
        <Tabs.List className="tabs" aria-label={t("detail.label")}>
          {TABS.map((name) => (
            <Tabs.Trigger key={name} value={name}>
              {t(`detail.${name}`)}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content value={tab} className="detail-body" tabIndex={-1}>
          {tab === "overview" && <Overview run={run} view={view} />}
          {detail.data && <Content tab={tab} run={run} detail={detail.data} />}
          {!detail.data && detail.error && <Failed error={detail.error} retry={() => void detail.refetch()} />}
          {!detail.data && !detail.error && <SkeletonRows count={5} />}
        </Tabs.Content>
      </Tabs.Root>
    </section>
  );
}

function Overview({ run, view }: { run: RunRow; view: TraceView }) {
  const t = useWords();
  const own = view.charges.filter((charge) => charge.run_id === run.run_id);
  const ids = subtreeIds(view.runs, run.run_id);
  const below = view.charges.filter((charge) => ids.has(charge.run_id));
  return (
    <>
      {run.error !== null && (
        <section>
          <h3>{t("detail.error")}</h3>
          <pre className="error-text">{run.error}</pre>
        </section>
      )}
      <Usage own={own} below={below} />
    </>
  );
}

function Content({ tab, run, detail }: { tab: Tab; run: RunRow; detail: RunDetail }) {
  const t = useWords();
  const input = inputMessages(detail.inputs);
  const output = outputMessages(detail.outputs);
  const chat = input.length + output.length > 0;
  if (tab === "metadata") {
    return (
      <>
        <Json title={t("detail.metadata")} value={detail.metadata} />
        {detail.tags.length > 0 && (
          <section>
            <h3>{t("detail.tags")}</h3>
            <p className="chips wrap">
              {detail.tags.map((tag) => (
                <span key={tag} className="chip plain">
                  {tag}
                </span>
              ))}
            </p>
          </section>
        )}
        <Json title={t("detail.extra")} value={detail.extra} />
        <Json title={t("detail.events")} value={detail.events} />
      </>
    );
  }
  return (
    <>
      {tab === "overview" && detail.error !== null && run.error === null && (
        <pre className="error-text">{detail.error}</pre>
      )}
      {tab === "overview" && chat ? (
        <Chat messages={[...input, ...output]} />
      ) : (
        <>
          <Json title={t("detail.input")} value={detail.inputs} />
          <Json title={t("detail.output")} value={detail.outputs} />
        </>
      )}
    </>
  );
}
