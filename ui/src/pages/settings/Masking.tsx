import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useDeferredValue, useMemo, useState } from "react";
import { maskQuery, useChangeSettings } from "../../api/admin";
import type { SettingsView } from "../../api/schema";
import { Refusal } from "../../components/Told";
import type { en } from "../../i18n/en";
import { useWords } from "../../i18n/useWords";
import { linesOf } from "../../model/settings";
import { Saving } from "./Saving";

type MaskName = keyof typeof en.settings.masks;

/** What is masked before it is stored, tried on a text of one's own while one chooses. */
export function Masking({ settings }: { settings: SettingsView }) {
  const t = useWords();
  const change = useChangeSettings(settings.project);
  const [masks, setMasks] = useState<readonly string[]>(settings.masks);
  const [patterns, setPatterns] = useState(settings.mask_patterns.join("\n"));
  const chosen = useMemo(() => ({ masks: [...masks], mask_patterns: linesOf(patterns) }), [masks, patterns]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(chosen);
  };
  return (
    <form className="form" onSubmit={submit}>
      <p className="muted lead">{t("settings.maskingText")}</p>
      <fieldset className="checks">
        <legend>{t("settings.builtIn")}</legend>
        {settings.built_in_masks.map((name) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={masks.includes(name)}
              onChange={() => setMasks(masks.includes(name) ? masks.filter((one) => one !== name) : [...masks, name])}
            />
            {t(`settings.masks.${name as MaskName}`, { defaultValue: name })}
          </label>
        ))}
      </fieldset>
      <label className="entry">
        <span>{t("settings.own")}</span>
        <textarea
          className="field"
          rows={3}
          spellCheck={false}
          value={patterns}
          onChange={(event) => setPatterns(event.target.value)}
        />
        <span className="muted small-text">{t("settings.ownHelp")}</span>
      </label>
      <Saving asked={change} />
      <TryIt project={settings.project} {...chosen} />
    </form>
  );
}

function TryIt({ project, masks, mask_patterns }: { project: string; masks: string[]; mask_patterns: string[] }) {
  const t = useWords();
  const [text, setText] = useState(t("settings.trySample"));
  const body = useDeferredValue(useMemo(() => ({ text, masks, mask_patterns }), [text, masks, mask_patterns]));
  const { data, error } = useQuery(maskQuery(project, body));
  return (
    <section className="try-it" aria-label={t("settings.tryTitle")}>
      <h2>{t("settings.tryTitle")}</h2>
      <p className="muted small-text">{t("settings.tryText")}</p>
      <div className="form-row">
        <label className="entry">
          <span className="sr-only">{t("settings.tryTitle")}</span>
          <textarea
            className="field"
            rows={5}
            maxLength={20_000}
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <div className="entry">
          <output className="masked" aria-label={t("settings.result")}>
            {error ? <Refusal error={error} /> : (data?.text ?? "…")}
          </output>
          {data && !error && (
            <span className="muted small-text">
              {data.matches === 0 ? t("settings.unchanged") : t("settings.matches", { count: data.matches })}
            </span>
          )}
        </div>
      </div>
    </section>
  );
}
