import { useState } from "react";
import { useWords } from "../i18n/useWords";
import { CheckIcon, CopyIcon } from "./icons";

const SHOWN_MS = 1_500;

/** Copies `text` and says so. Without `label` only the icon is shown. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const t = useWords();
  const [copied, setCopied] = useState(false);
  const name = label ?? t("actions.copy");
  return (
    <button
      type="button"
      className={label ? "quiet" : "quiet icon"}
      title={name}
      aria-label={name}
      onClick={() => {
        void navigator.clipboard?.writeText(text).then(() => {
          setCopied(true);
          window.setTimeout(() => setCopied(false), SHOWN_MS);
        });
      }}
    >
      {copied ? <CheckIcon /> : <CopyIcon />}
      {label && <span>{copied ? t("actions.copied") : label}</span>}
    </button>
  );
}
