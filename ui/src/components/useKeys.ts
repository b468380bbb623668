import { useEffect, useRef } from "react";
import { type KeyAction, readKey } from "../model/keys";

const PREFIX_MS = 1_200;

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Keys that belong to the element in focus: Enter presses a button, arrows walk through an open menu or a tab list. */
function ownedByFocus(event: KeyboardEvent): boolean {
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (typing(target)) return true;
  if (target?.closest("[role=menu],[role=dialog],dialog,[role=separator],[role=tablist]")) return true;
  return event.key === "Enter" && target?.closest("a,button,summary") !== null && target !== null;
}

/** Binds actions of the table of keys to what they do here, while the component is shown. */
export function useKeys(actions: Partial<Record<KeyAction, () => void>>): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    let prefix = "";
    let timer = 0;
    const onKey = (event: KeyboardEvent) => {
      const modified = event.ctrlKey || event.metaKey;
      // A key with Ctrl or ⌘ is no text, so it means the same wherever the focus is.
      if (event.defaultPrevented || event.altKey || (!modified && ownedByFocus(event))) return;
      const read = readKey(modified ? `mod+${event.key.toLowerCase()}` : event.key, prefix);
      prefix = read.prefix;
      window.clearTimeout(timer);
      timer = window.setTimeout(() => {
        prefix = "";
      }, PREFIX_MS);
      const act = read.action ? latest.current[read.action] : undefined;
      if (!act) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", onKey);
      window.clearTimeout(timer);
    };
  }, []);
}
