/** The filter language as far as a page needs it while one types: conditions joined and taken out, and what may follow. */

import type { FacetValue, FilterField, FilterLanguage } from "../api/schema";

type Call = { readonly name: string; readonly args: readonly string[] };

/** A text as the language writes it. */
export function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** What was typed: a filter as it is, or plain words as a search for them. */
export function asFilter(typed: string): string {
  const text = typed.trim();
  return text === "" || text.includes("(") ? text : `search(${quoted(text)})`;
}

/** The outermost call and its arguments, as written; `null` where the text is not one whole call. */
function callOf(text: string): Call | null {
  const open = text.indexOf("(");
  if (open < 0 || !text.endsWith(")")) return null;
  const args: string[] = [];
  let [depth, quote, start] = [0, "", open + 1];
  for (let at = open; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote !== "") {
      if (char === "\\") at += 1;
      else if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === "(" || char === "[") depth += 1;
    else if (char === ")" || char === "]") {
      depth -= 1;
      if (depth === 0 && at < text.length - 1) return null;
    } else if (char === "," && depth === 1) {
      args.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  if (depth !== 0 || quote !== "") return null;
  const last = text.slice(start, -1).trim();
  return { name: text.slice(0, open).trim(), args: last === "" && args.length === 0 ? [] : [...args, last] };
}

/** The conditions that all have to hold. */
export function conditions(filter: string): readonly string[] {
  const text = filter.trim();
  if (text === "") return [];
  const call = callOf(text);
  return call?.name === "and" ? call.args : [text];
}

export function joined(parts: readonly string[]): string {
  return parts.length > 1 ? `and(${parts.join(", ")})` : (parts[0] ?? "");
}

export function withCondition(filter: string, condition: string): string {
  const parts = conditions(filter);
  return parts.includes(condition) ? filter : joined([...parts, condition]);
}

export function withoutCondition(filter: string, condition: string): string {
  return joined(conditions(filter).filter((part) => part !== condition));
}

const BOUNDS = new Set(["gt", "gte", "lt", "lte"]);

/** Keeps traces whose `field` is at least `from` and less than `to`, in place of what bounded the field before. */
export function withBounds(filter: string, field: string, from: number, to: number): string {
  const rest = conditions(filter).filter((part) => {
    const call = callOf(part);
    return !(call && BOUNDS.has(call.name) && call.args[0] === field);
  });
  return joined([...rest, `gte(${field}, ${plain(from)})`, `lt(${field}, ${plain(to)})`]);
}

/** A number without an exponent, which the language does not read. */
function plain(value: number): string {
  const text = String(value);
  return text.includes("e") ? value.toFixed(12).replace(/\.?0+$/, "") : text;
}

/** Where the caret stands: in which argument of which calls, and how far the word under it goes back. */
export type Place = {
  readonly calls: readonly { readonly name: string; readonly argument: number; readonly first: string }[];
  /** The word being typed, without a quote before it. */
  readonly word: string;
  readonly from: number;
  readonly quote: string;
};

export function placeOf(text: string, caret: number): Place {
  const calls: { name: string; argument: number; first: string; list: boolean }[] = [];
  let [word, from, quote] = ["", 0, ""];
  const restart = (at: number) => {
    word = "";
    from = at;
  };
  for (let at = 0; at < caret; at += 1) {
    const char = text.charAt(at);
    const top = calls.at(-1);
    if (quote !== "") {
      if (char === "\\") {
        word += text.charAt(at + 1);
        at += 1;
      } else if (char === quote) {
        quote = "";
        restart(at + 1);
      } else word += char;
    } else if (char === '"' || char === "'") {
      restart(at);
      quote = char;
    } else if (char === "(") {
      calls.push({ name: word.trim(), argument: 0, first: "", list: false });
      restart(at + 1);
    } else if (char === "[" && top) {
      top.list = true;
      restart(at + 1);
    } else if (char === "]" && top) {
      top.list = false;
      restart(at + 1);
    } else if (char === ")") {
      calls.pop();
      restart(at + 1);
    } else if (char === ",") {
      if (top && !top.list) {
        if (top.argument === 0) top.first = word.trim();
        top.argument += 1;
      }
      restart(at + 1);
    } else if (char === " " && word === "") from = at + 1;
    else word += char;
  }
  return { calls: calls.map(({ name, argument, first }) => ({ name, argument, first })), word, from, quote };
}

export type Completion = {
  readonly label: string;
  /** What it is, or how many traces have it. */
  readonly note: string;
  readonly insert: string;
  /** Whether more is to be typed after it, so that the list stays open. */
  readonly open: boolean;
};

const JOINING = new Set(["and", "or", "not"]);
const SHOWN = 12;

/** What may stand at the caret, the likeliest first. */
export function completions(
  place: Place,
  language: FilterLanguage,
  values: ReadonlyMap<string, readonly FacetValue[]>,
): readonly Completion[] {
  const top = place.calls.at(-1);
  const typed = place.word.toLocaleLowerCase();
  const fits = (label: string) => label.toLocaleLowerCase().includes(typed);
  const first = (found: readonly Completion[]) =>
    [...found]
      .sort(
        (a, b) =>
          Number(b.label.toLocaleLowerCase().startsWith(typed)) - Number(a.label.toLocaleLowerCase().startsWith(typed)),
      )
      .slice(0, SHOWN);
  if (top === undefined || JOINING.has(top.name)) {
    if (place.quote !== "") return [];
    return first([
      ...begun(language.fields.filter(({ name }) => fits(name))),
      ...called(language.operators.filter(fits)),
    ]);
  }
  if (top.argument === 0) {
    if (place.quote !== "") return [];
    const names = language.fields.filter((field) => field.operators.includes(top.name));
    const searched = top.name === "search" ? language.searched.map((name) => ({ name, kind: "text" })) : [];
    return first(
      [...names, ...searched]
        .filter(({ name }) => fits(name))
        .map(({ name, kind }) => ({ label: name, note: kind, insert: `${name}, `, open: true })),
    );
  }
  const field = language.fields.find(({ name }) => name === top.first);
  return field ? first(valuesOf(field, values).filter(({ label }) => fits(label))) : [];
}

const DEFAULT_OPERATOR: Record<string, string> = { number: "gt", seconds: "gt", time: "gt", tags: "eq" };

/** A field where a condition is due: with the operator that is asked of it most. */
const begun = (fields: readonly FilterField[]): Completion[] =>
  fields.map(({ name, kind, operators }) => {
    const wanted = DEFAULT_OPERATOR[kind] ?? "eq";
    const operator = operators.includes(wanted) ? wanted : (operators[0] ?? "eq");
    return { label: name, note: kind, insert: `${operator}(${name}, `, open: true };
  });

const called = (operators: readonly string[]): Completion[] =>
  operators.map((name) => ({ label: `${name}(…)`, note: "", insert: `${name}(`, open: true }));

function valuesOf(field: FilterField, values: ReadonlyMap<string, readonly FacetValue[]>): Completion[] {
  const seen = values.get(field.name === "tags" ? "tag" : field.name) ?? [];
  const known = field.values.filter((value) => !seen.some((other) => other.value === value));
  const truths = field.kind === "truth" ? ["true", "false"] : [];
  return [
    ...seen.map(({ value, traces }) => ({
      label: value,
      note: String(traces),
      insert: `${quoted(value)})`,
      open: false,
    })),
    ...known.map((value) => ({ label: value, note: "", insert: `${quoted(value)})`, open: false })),
    ...truths.map((value) => ({ label: value, note: "", insert: `${value})`, open: false })),
  ];
}

/** The text with a completion in place of the word at the caret, and where the caret stands then. */
export function completed(text: string, caret: number, place: Place, { insert }: Completion): [string, number] {
  let rest = text.slice(caret);
  if (place.quote !== "" && rest.startsWith(place.quote)) rest = rest.slice(1);
  const put = insert.endsWith(")") && rest.startsWith(")") ? insert.slice(0, -1) : insert;
  const ended = insert.endsWith(")") && put !== insert ? 1 : 0;
  const before = text.slice(0, place.from);
  return [before + put + rest, before.length + put.length + ended];
}

/** The word of a filter that a fault is at, to underline it. */
export function faultAt(text: string, position: number): { before: string; fault: string; after: string } {
  const from = Math.min(Math.max(position, 0), text.length);
  const found = /^(\w+|"(?:[^"\\]|\\.)*"?|.)/.exec(text.slice(from))?.[0] ?? "";
  return { before: text.slice(0, from), fault: found, after: text.slice(from + found.length) };
}
