import { PauseIcon, PlayIcon } from "../../components/icons";
import { useWords } from "../../i18n/useWords";
import type { ListState } from "./useList";

/** Lets new traces in as they come, or holds them back while one reads. */
export function LiveSwitch({ list: { paused, set } }: { list: ListState }) {
  const t = useWords();
  const label = paused ? t("list.resume") : t("list.pause");
  return (
    <button
      type="button"
      className={paused ? "quiet paused" : "quiet icon"}
      aria-pressed={paused}
      aria-label={label}
      title={label}
      onClick={() => set({ live: paused ? undefined : "off" })}
    >
      {paused ? <PlayIcon /> : <PauseIcon />}
      {paused && <span>{t("list.paused")}</span>}
    </button>
  );
}
