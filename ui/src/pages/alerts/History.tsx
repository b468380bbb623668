import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { alertEventsQuery } from "../../api/queries";
import type { AlertEventRow, DeliveryRow } from "../../api/schema";
import { Clock } from "../../components/Moment";
import { Failed, SkeletonRows } from "../../components/States";
import { useWords } from "../../i18n/useWords";
import { count } from "../../model/format";
import { rangeOf } from "../../model/time";
import { useAmount } from "./AlertTable";

/** What fired and resolved, newest first, and whom it reached. */
export function History({ project }: { project: string }) {
  const t = useWords();
  const { data, error, refetch } = useQuery(alertEventsQuery(project));
  return (
    <section className="notes alert-history" aria-labelledby="alert-history">
      <h2 id="alert-history">{t("alerts.history.title")}</h2>
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={3} />}
      {data?.events.length === 0 && <p className="muted">{t("alerts.history.none")}</p>}
      <ol>
        {data?.events.map((event) => (
          <Line key={event.event_id} project={project} event={event} />
        ))}
      </ol>
    </section>
  );
}

function Line({ project, event }: { project: string; event: AlertEventRow }) {
  const t = useWords();
  const amount = useAmount();
  const fired = event.happening === "fired";
  const reason = t(`alerts.reason.${event.reason}` as "alerts.reason.recovered", { defaultValue: event.reason });
  const value = event.value === null ? "—" : amount(event.value, event.unit);
  const said = [
    fired || event.reason === "recovered"
      ? `${event.at_least ? t("alerts.atLeast", { value }) : value} / ${amount(event.limit, event.unit)}`
      : "",
    event.level === null ? "" : t("alerts.level", { level: event.level }),
    fired ? "" : reason,
    event.missing_calls ? t("alerts.missing", { missing: count(event.missing_calls), calls: count(event.calls) }) : "",
    event.unpriced_calls
      ? t("alerts.unpriced", { unpriced: count(event.unpriced_calls), calls: count(event.calls) })
      : "",
  ].filter(Boolean);
  return (
    <li>
      <span className="alert-when">
        <i className={`dot ${fired ? "error" : "success"}`} /> <Clock us={event.at_us} />
      </span>
      <span className="alert-said-what">
        <strong>{event.rule_name}</strong>{" "}
        <span className={fired ? "bad" : "muted"}>{t(`alerts.history.${event.happening}`)}</span>{" "}
        <span className="num">{said.join(" · ")}</span>
      </span>
      <Link
        to="/projects/$project/traces"
        params={{ project }}
        search={{ range: rangeOf(event.from_us / 1_000, event.to_us / 1_000) }}
      >
        {t("alerts.open")}
      </Link>
      <span className="alert-reached">
        {event.deliveries.map((one) => (
          <Reached key={one.target_id} delivery={one} />
        ))}
      </span>
    </li>
  );
}

const KNOWN = ["waiting", "sent", "failed"] as const;

function Reached({ delivery }: { delivery: DeliveryRow }) {
  const t = useWords();
  const state = KNOWN.find((name) => name === delivery.state) ?? "waiting";
  return (
    <span className={state === "failed" ? "chip plain bad" : "chip plain"} title={delivery.error ?? undefined}>
      {t(`alerts.delivery.${state}`, { attempts: delivery.attempts })}
    </span>
  );
}
