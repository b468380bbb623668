import { useEffect, useMemo, useState } from "react";

/** Custom properties as colours a canvas can paint with, worked out again when the theme changes. */
export function useColours(names: readonly string[]): ReadonlyMap<string, string> {
  const [turn, setTurn] = useState(0);
  const key = names.join(" ");
  useEffect(() => {
    const again = () => setTurn((now) => now + 1);
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", again);
    const chosen = new MutationObserver(again);
    chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      system.removeEventListener("change", again);
      chosen.disconnect();
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` stands for the theme
  return useMemo(() => resolved(key.split(" ")), [key, turn]);
}

function resolved(names: readonly string[]): Map<string, string> {
  const probe = document.createElement("span");
  document.body.append(probe);
  const found = new Map<string, string>();
  for (const name of names) {
    probe.style.color = `var(${name})`;
    found.set(name, getComputedStyle(probe).color);
  }
  probe.remove();
  return found;
}
