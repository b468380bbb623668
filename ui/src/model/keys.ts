/** The keys, in one table: what binds them and what the help lists. */

export const KEYS = {
  down: ["j", "ArrowDown"],
  up: ["k", "ArrowUp"],
  open: ["Enter"],
  close: ["Escape"],
  expand: ["l", "ArrowRight"],
  collapse: ["h", "ArrowLeft"],
  previousRun: ["["],
  nextRun: ["]"],
  previousNode: ["p"],
  nextNode: ["n"],
  search: ["/"],
  projects: ["g p"],
  overview: ["g o"],
  traces: ["g t"],
  nodes: ["g n"],
  models: ["g m"],
  users: ["g u"],
  threads: ["g h"],
  coverage: ["g c"],
  prices: ["g r"],
  settings: ["g s"],
  alerts: ["g a"],
  compare: ["g x"],
  mark: ["x"],
  palette: ["mod+k"],
  help: ["?"],
} as const satisfies Record<string, readonly string[]>;

export type KeyAction = keyof typeof KEYS;

/** How a key is printed. */
export function keyLabel(key: string): string {
  const named: Record<string, string> = {
    ArrowDown: "↓",
    ArrowUp: "↑",
    ArrowLeft: "←",
    ArrowRight: "→",
    Escape: "Esc",
    Enter: "↵",
    "mod+k": /Mac|iP/.test(navigator.platform) ? "⌘K" : "Ctrl K",
  };
  return named[key] ?? key;
}

/** The action that `pressed` (after `prefix`, a first key still open) means, or the new prefix, or neither. */
export function readKey(pressed: string, prefix: string): { action: KeyAction | null; prefix: string } {
  const wanted = prefix ? `${prefix} ${pressed}` : pressed;
  for (const [action, keys] of Object.entries(KEYS) as [KeyAction, readonly string[]][]) {
    if (keys.includes(wanted)) return { action, prefix: "" };
  }
  const opens = Object.values(KEYS).some((keys) => keys.some((key) => key.startsWith(`${pressed} `)));
  return { action: null, prefix: !prefix && opens ? pressed : "" };
}
