/** Saved views: a name for what the address of the trace list says. */

const KEY = "everytoken.views";
const MAX_VIEWS = 50;
export const MAX_NAME = 60;

/** What of the address belongs to a view; the project and the traces looked at do not. */
const PARTS = ["range", "filter", "sort", "strip", "cols", "dense"] as const;
export type ViewSearch = { readonly [Part in (typeof PARTS)[number]]?: string };
export type SavedView = { readonly name: string; readonly search: ViewSearch };

export function viewOf(search: Readonly<Record<string, unknown>>): ViewSearch {
  return Object.fromEntries(PARTS.flatMap((part) => (typeof search[part] === "string" ? [[part, search[part]]] : [])));
}

export function sameView(a: ViewSearch, b: ViewSearch): boolean {
  return PARTS.every((part) => a[part] === b[part]);
}

/** What a text says that was stored earlier, perhaps by another version or another hand: what is not a view is left out. */
export function readViews(text: string | null): readonly SavedView[] {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.flatMap(asView).slice(0, MAX_VIEWS) : [];
  } catch {
    return [];
  }
}

function asView(found: unknown): SavedView[] {
  if (typeof found !== "object" || found === null) return [];
  const { name, search } = found as { name?: unknown; search?: unknown };
  if (typeof name !== "string" || name === "" || typeof search !== "object" || search === null) return [];
  return [{ name: name.slice(0, MAX_NAME), search: viewOf(search as Record<string, unknown>) }];
}

/** With one more, or with the one of that name replaced; the newest first. */
export function withView(views: readonly SavedView[], view: SavedView): readonly SavedView[] {
  return [view, ...views.filter(({ name }) => name !== view.name)].slice(0, MAX_VIEWS);
}

export function loadViews(): readonly SavedView[] {
  return readViews(localStorage.getItem(KEY));
}

export function storeViews(views: readonly SavedView[]): void {
  localStorage.setItem(KEY, JSON.stringify(views));
}
