import { type FormEvent, useState } from "react";
import { useChangeSettings } from "../../api/admin";
import type { SettingsView } from "../../api/schema";
import { useWords } from "../../i18n/useWords";
import { daysOf, isZone, shortened, ZONES } from "../../model/settings";
import { clock, zoneName } from "../../model/time";
import { Saving } from "./Saving";

/** Time zone and retention of a project. */
export function ProjectSettings({ settings }: { settings: SettingsView }) {
  const t = useWords();
  const change = useChangeSettings(settings.project);
  const [zone, setZone] = useState(settings.time_zone);
  const [content, setContent] = useState(written(settings.content_retention_days));
  const [charges, setCharges] = useState(written(settings.charge_retention_days));
  const [contentDays, chargeDays] = [daysOf(content), daysOf(charges)];
  const zoned = isZone(zone);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!zoned || contentDays === undefined || chargeDays === undefined) return;
    change.mutate({
      time_zone: zone,
      content_retention_days: contentDays,
      charge_retention_days: chargeDays,
    });
  };
  const now = zoned ? `${clock(Date.now() * 1_000, Date.now(), zone)} ${zoneName(zone, Date.now())}` : "";
  return (
    <form className="form" onSubmit={submit} noValidate>
      <label className="entry">
        <span>{t("settings.zone")}</span>
        <input
          className="field"
          list="zones"
          value={zone}
          spellCheck={false}
          aria-invalid={!zoned}
          onChange={(event) => setZone(event.target.value.trim())}
        />
        <span className={zoned ? "muted small-text" : "bad small-text"}>
          {!zoned
            ? t("settings.zoneUnknown")
            : zone === "UTC"
              ? t("settings.zoneUnset")
              : t("settings.zoneHelp", { zone, now })}
        </span>
        <datalist id="zones">
          {ZONES.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <h2>{t("settings.retention")}</h2>
      <p className="muted lead">{t("settings.retentionText")}</p>
      <div className="form-row">
        <Days label={t("settings.content")} value={content} onChange={setContent} />
        <Days label={t("settings.charges")} value={charges} onChange={setCharges} />
      </div>
      {(shortened(settings.content_retention_days, contentDays) ||
        shortened(settings.charge_retention_days, chargeDays)) && (
        <p className="warn small-text">{t("settings.retentionWarn")}</p>
      )}
      <Saving asked={change} disabled={!zoned || contentDays === undefined || chargeDays === undefined} />
    </form>
  );
}

const written = (days: number | null) => (days === null ? "" : String(days));

function Days({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const t = useWords();
  const wrong = daysOf(value) === undefined;
  return (
    <label className="entry">
      <span>{label}</span>
      <span className="with-unit">
        <input
          className="field"
          inputMode="numeric"
          value={value}
          placeholder={t("settings.forever")}
          aria-invalid={wrong}
          onChange={(event) => onChange(event.target.value)}
        />
        {value.trim() !== "" && <span className="muted">{t("settings.days")}</span>}
      </span>
      {wrong && <span className="bad small-text">{t("settings.dayFault")}</span>}
    </label>
  );
}
