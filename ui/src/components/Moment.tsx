import { useTranslation } from "react-i18next";
import { ago, clock } from "../model/time";
import { useZone } from "./useZone";

/** A moment as a clock time in the zone of the project, the full ISO time on hover. */
export function Clock({ us }: { us: number }) {
  const zone = useZone();
  const iso = new Date(us / 1_000).toISOString();
  return (
    <time className="num" dateTime={iso} title={iso}>
      {clock(us, Date.now(), zone)}
    </time>
  );
}

/** A moment as its age. */
export function Ago({ us }: { us: number | null }) {
  const { t, i18n } = useTranslation();
  const zone = useZone();
  if (us === null) return <span className="faint">{t("ago.never")}</span>;
  const age = ago(us, Date.now());
  const words = new Intl.RelativeTimeFormat(i18n.language, { numeric: "always", style: "short" });
  return (
    <time dateTime={new Date(us / 1_000).toISOString()} title={clock(us, Date.now(), zone)}>
      {age ? words.format(age.value, age.unit) : t("ago.now")}
    </time>
  );
}
