/** The command palette: what may be done, and which of it a text means. */

export type Command = {
  readonly id: string;
  readonly title: string;
  /** The group under whose head it stands. */
  readonly group: string;
  /** Other words it is found by. */
  readonly words?: string;
  /** The key that does the same. */
  readonly key?: string | undefined;
  readonly run: () => void;
};

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The trace or run id that was typed or pasted, also inside an address; `null` where there is none. */
export function idIn(text: string): string | null {
  const found = text.toLowerCase().match(/[0-9a-f-]{36}/)?.[0];
  return found !== undefined && ID.test(found) ? found : null;
}

/** Commands that hold every word of the text, those whose title begins with it first; all of them for no text. */
export function rank(commands: readonly Command[], text: string): Command[] {
  const wanted = text.trim().toLocaleLowerCase();
  if (wanted === "") return [...commands];
  const words = wanted.split(/\s+/);
  const scored = commands.flatMap((command) => {
    const title = command.title.toLocaleLowerCase();
    const all = `${title} ${command.group} ${command.words ?? ""}`.toLocaleLowerCase();
    if (!words.every((word) => all.includes(word))) return [];
    return [{ command, score: title.startsWith(wanted) ? 0 : title.includes(wanted) ? 1 : 2 }];
  });
  return scored.sort((a, b) => a.score - b.score).map(({ command }) => command);
}
