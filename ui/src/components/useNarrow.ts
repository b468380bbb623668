import { useSyncExternalStore } from "react";

/** The width under which the styles lay the page out for a phone; the same in every `@media` rule. */
const narrow = window.matchMedia("(max-width: 720px)");

function subscribe(onChange: () => void): () => void {
  narrow.addEventListener("change", onChange);
  return () => narrow.removeEventListener("change", onChange);
}

/** Whether the page is laid out for a phone. */
export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => narrow.matches);
}
