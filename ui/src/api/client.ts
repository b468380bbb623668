/** The one door to the server: typed by path, and every failure is an `ApiError` that says what happened. */

import type { Problem, paths } from "./schema";

type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;

export class ApiError extends Error {
  /** `null` when no answer came at all. */
  readonly status: number | null;
  readonly hint: string | null;
  /** The part of the request that is at fault, such as `query.filter`. */
  readonly field: string | null;
  /** Characters of that part before the fault. */
  readonly position: number | null;
  /** The stable name of what went wrong; `null` from a server that gives none. */
  readonly code: string | null;
  /** Under which the server's log tells of it. */
  readonly requestId: string | null;

  constructor(
    message: string,
    status: number | null,
    hint: string | null,
    at: Partial<Problem> = {},
    requestId: string | null = null,
  ) {
    super(message);
    this.status = status;
    this.hint = hint;
    this.field = at.field ?? null;
    this.position = at.position ?? null;
    this.code = at.code ?? null;
    this.requestId = requestId;
  }
}

type Params = Record<string, string | number | undefined>;

/** GET one route of the product API. `{name}` parts of the path are taken out of `params`, the rest is the query. */
export async function get<P extends keyof paths>(path: P, params: Params, signal: AbortSignal): Promise<Answer<P>> {
  const query = new URLSearchParams();
  const names = new Set<string>();
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    names.add(name);
    return encodeURIComponent(String(params[name]));
  });
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && !names.has(name)) query.set(name, String(value));
  }
  const answer = await fetch(query.size > 0 ? `${url}?${query}` : url, {
    signal,
    headers: { accept: "application/json" },
  }).catch((failure: unknown) => {
    if (signal.aborted) throw failure;
    throw new ApiError(String(failure), null, null);
  });
  if (!answer.ok) throw await problemOf(answer);
  return (await answer.json()) as Answer<P>;
}

/** Change something. What our own page sends says so by itself: the browser adds where it comes from. */
export async function send<Answered>(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  url: string,
  body?: unknown,
): Promise<Answered> {
  const answer = await fetch(url, {
    method,
    headers: { accept: "application/json", "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch((failure: unknown) => {
    throw new ApiError(String(failure), null, null);
  });
  if (!answer.ok) throw await problemOf(answer);
  return (await answer.json()) as Answered;
}

async function problemOf(answer: Response): Promise<ApiError> {
  const body = (await answer.json().catch(() => null)) as Partial<Problem> | null;
  const requestId = answer.headers.get("x-request-id");
  return new ApiError(body?.error ?? answer.statusText, answer.status, body?.hint ?? null, body ?? {}, requestId);
}
