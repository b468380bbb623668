/** A price of one's own as a form: what is filled in, the TOML it means, and which field a refusal speaks of. */

import type { MissingPrice, Rate } from "../api/schema";

export const RATE_FIELDS = ["input_mtok", "cache_read_mtok", "output_mtok"] as const;
export type RateField = (typeof RATE_FIELDS)[number];
export const FIELDS = ["name", "provider", "models", ...RATE_FIELDS, "valid_from", "source", "checked"] as const;
export type Field = (typeof FIELDS)[number];
export type Draft = Readonly<Record<Field, string>>;
export type Faults = Partial<Record<Field | "toml", string>>;

export function emptyDraft(today: string): Draft {
  return {
    name: "",
    provider: "",
    models: "",
    input_mtok: "",
    cache_read_mtok: "",
    output_mtok: "",
    valid_from: "",
    source: "",
    checked: today,
  };
}

/** A name for an override, made of a model's. */
export const nameOf = (model: string) =>
  model
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 100);

/** An override for a model that has no price, ready but for the money. */
export function draftForMissing({ provider, model }: MissingPrice, today: string): Draft {
  return {
    ...emptyDraft(today),
    name: nameOf(model ?? ""),
    provider: provider ?? "",
    models: model ?? "",
  };
}

/** An override for a model that has a price: its present rates per million tokens, to be changed. */
export function draftForPrice(provider: string, model: string, rates: readonly Rate[], today: string): Draft {
  const rate = (key: RateField) => rates.find((one) => one.key === key && one.over === null)?.usd ?? "";
  return {
    ...emptyDraft(today),
    name: nameOf(model),
    provider,
    models: model,
    input_mtok: rate("input_mtok"),
    cache_read_mtok: rate("cache_read_mtok"),
    output_mtok: rate("output_mtok"),
    valid_from: today,
  };
}

const AMOUNT = /^\d{1,9}(\.\d{1,12})?$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** What of a draft the server would refuse, as far as can be told here. The words are keys of `prices.faults`. */
export function faultsOf(draft: Draft): Partial<Record<Field, "missing" | "name" | "amount" | "day">> {
  const faults: Partial<Record<Field, "missing" | "name" | "amount" | "day">> = {};
  for (const field of ["name", "provider", "models", "source", "checked", "input_mtok", "output_mtok"] as const) {
    if (draft[field].trim() === "") faults[field] = "missing";
  }
  if (!faults.name && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(draft.name)) faults.name = "name";
  for (const field of RATE_FIELDS) {
    if (draft[field].trim() !== "" && !AMOUNT.test(draft[field].trim())) faults[field] = "amount";
  }
  for (const field of ["valid_from", "checked"] as const) {
    if (draft[field] !== "" && !DAY.test(draft[field])) faults[field] = "day";
  }
  return faults;
}

/** A TOML basic string. */
function text(value: string): string {
  const escaped = value.replace(/[\\"]/g, "\\$&").replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: TOML forbids them unescaped
    /[\u0000-\u001f\u007f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}

/** The entry as a price file has it. */
export function tomlOf(draft: Draft): string {
  const models = draft.models
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const rates = RATE_FIELDS.filter((field) => draft[field].trim() !== "").map(
    (field) => `${field} = ${draft[field].trim()}`,
  );
  return [
    "[[price]]",
    `provider = ${text(draft.provider.trim())}`,
    `models = [${models.map(text).join(", ")}]`,
    ...(draft.valid_from === "" ? [] : [`valid_from = ${draft.valid_from}`]),
    `rates = { ${rates.join(", ")} }`,
    `source = ${text(draft.source.trim())}`,
    `checked = ${draft.checked}`,
    "",
  ].join("\n");
}

/** Where the server's refusal belongs: the form's field it names in backquotes, else the whole. */
export function faultOf(message: string): { field: Field | "toml"; line: number | null } {
  const line = /^[^:]*:(\d+):/.exec(message)?.[1];
  const named = [...message.matchAll(/`(\w+)`/g)].map((match) => match[1]);
  const field = FIELDS.find((one) => one !== "name" && named.includes(one));
  return { field: field ?? "toml", line: line === undefined ? null : Number(line) };
}
