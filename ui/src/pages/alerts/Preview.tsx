import { useEffect, useId, useState } from "react";
import { send } from "../../api/client";
import type { AlertPreview } from "../../api/schema";
import { Clock } from "../../components/Moment";
import { Refusal } from "../../components/Told";
import { useWords } from "../../i18n/useWords";
import { bodyOf, courseOf, type Draft } from "../../model/alerts";
import { count } from "../../model/format";
import { alertsUrl } from "./AlertsPage";
import { useAmount } from "./AlertTable";

const DAYS = [1, 7, 14, 31];
const WIDTH = 420;
const HEIGHT = 120;
const LISTED = 8;
/** A pause in typing after which the question is worth asking. */
const PAUSE_MS = 500;

type Asked = { seen: AlertPreview | null; problem: unknown; busy: boolean };

/** When the alert would have fired, asked again whenever what it judges changes. */
export function Preview({ project, draft }: { project: string; draft: Draft }) {
  const t = useWords();
  const [days, setDays] = useState(7);
  const { seen, problem, busy } = useAsked(project, draft, days);
  const id = useId();
  return (
    <section className="alert-preview" aria-label={t("alerts.preview.title")} aria-busy={busy}>
      <header>
        <h3>{t("alerts.preview.title")}</h3>
        <label htmlFor={id} className="muted">
          {t("alerts.form.days")}
        </label>
        <select id={id} className="field small" value={days} onChange={(event) => setDays(Number(event.target.value))}>
          {DAYS.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </header>
      <Refusal error={problem} className="warn" />
      {problem === null && seen === null && <p className="muted">{t("alerts.preview.hint")}</p>}
      {problem === null && seen !== null && <Seen seen={seen} days={days} />}
    </section>
  );
}

/** The preview of what the draft judges; its name and whom it tells make no difference. */
function useAsked(project: string, draft: Draft, days: number): Asked {
  const [asked, setAsked] = useState<Asked>({ seen: null, problem: null, busy: true });
  const body = JSON.stringify({ ...bodyOf(draft), name: "preview", targets: [], enabled: true });
  useEffect(() => {
    let current = true;
    setAsked((now) => ({ ...now, busy: true }));
    const timer = setTimeout(() => {
      send<AlertPreview>("POST", `${alertsUrl(project)}/preview?days=${days}`, JSON.parse(body)).then(
        (seen) => current && setAsked({ seen, problem: null, busy: false }),
        (failure: Error) => current && setAsked({ seen: null, problem: failure, busy: false }),
      );
    }, PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [project, body, days]);
  return asked;
}

function Seen({ seen, days }: { seen: AlertPreview; days: number }) {
  const t = useWords();
  const amount = useAmount();
  const fired = seen.turns.filter((turn) => turn.happening === "fired");
  return (
    <>
      <p className={seen.fired > 0 ? "alert-verdict bad" : "alert-verdict"} role="status">
        {seen.fired === 0
          ? t("alerts.preview.fired_zero", { days })
          : t("alerts.preview.fired", { count: seen.fired, days })}
      </p>
      <Course seen={seen} />
      {seen.unknown > 0 && (
        <p className="muted small-text">
          {t("alerts.preview.unknown", { unknown: count(seen.unknown), judged: count(seen.judged) })}
        </p>
      )}
      <ol>
        {fired.slice(0, LISTED).map((turn) => (
          <li key={`${turn.at_us} ${turn.level}`}>
            <Clock us={turn.at_us} />
            <span className="num">
              {turn.value === null ? "—" : amount(turn.value, seen.unit)}
              {turn.level !== null && ` · ${t("alerts.level", { level: turn.level })}`}
            </span>
          </li>
        ))}
      </ol>
      {fired.length > LISTED && <p className="muted small-text">{t("alerts.preview.more")}</p>}
    </>
  );
}

function Course({ seen }: { seen: AlertPreview }) {
  const t = useWords();
  const amount = useAmount();
  const course = courseOf(seen, WIDTH, HEIGHT);
  const length = Math.max(seen.to_us - seen.from_us, 1);
  return (
    <figure className="alert-course">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t("alerts.preview.course")}
      >
        {seen.turns
          .filter((turn) => turn.happening === "fired")
          .map((turn) => {
            const x = ((turn.at_us - seen.from_us) / length) * WIDTH;
            return <line key={`${turn.at_us} ${turn.level}`} className="fired" x1={x} x2={x} y1={0} y2={HEIGHT} />;
          })}
        <path className="limit" d={course.limit} />
        <path className="value" d={course.value} />
      </svg>
      <figcaption className="muted small-text">
        <Clock us={seen.from_us} />
        <span className="num">↑ {amount(String(course.top), seen.unit)}</span>
        <Clock us={seen.to_us} />
      </figcaption>
    </figure>
  );
}
