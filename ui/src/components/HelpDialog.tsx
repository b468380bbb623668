import { useEffect, useRef } from "react";
import { useWords } from "../i18n/useWords";
import { KEYS, type KeyAction, keyLabel } from "../model/keys";
import { CloseIcon } from "./icons";

/** The keys, read from the table that binds them. */
export function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className="dialog" onClose={onClose} aria-labelledby="help-title">
      <header>
        <h2 id="help-title">{t("help.title")}</h2>
        <button type="button" className="quiet icon" onClick={onClose} aria-label={t("help.close")}>
          <CloseIcon />
        </button>
      </header>
      <dl className="keys">
        {(Object.entries(KEYS) as [KeyAction, readonly string[]][]).map(([action, keys]) => (
          <div key={action}>
            <dt>{t(`keys.${action}`)}</dt>
            <dd>
              {keys.map((key) => (
                <span key={key} className="chord">
                  {key.split(" ").map((part) => (
                    <kbd key={part}>{keyLabel(part)}</kbd>
                  ))}
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
