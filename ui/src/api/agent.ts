/** The attached agent, by way of the server: messages in, events out. Not part of the product API, so typed here. */

import { type ChatEvent, EVENT_TYPES } from "../model/chat";
import { ApiError } from "./client";

const AGENT = "/everytoken/v1/agent";

/** Send a message of the conversation `chat`; returns the job that answers it. */
export async function sendMessage(chat: string, message: string, picture: string | null): Promise<string> {
  const body = { message, ...(picture !== null && { image_url: picture }) };
  const accepted = await post(`/chat/${chat}/messages`, JSON.stringify(body), "application/json");
  return String(accepted.job_id);
}

/** Answer the agent's question with a place. */
export async function sendPlace(job: string, address: string): Promise<void> {
  await post(`/chat/${job}/input`, JSON.stringify({ address }), "application/json");
}

/** Hand over a picture; returns the link under which a message may name it. */
export async function sendPicture(file: File): Promise<string> {
  const kept = await post("/images", file, file.type);
  return String(kept.image_url);
}

/** Follow a job until it is over. The browser comes back by itself when the connection breaks. Returns how to stop. */
export function follow(job: string, onEvent: (event: ChatEvent) => void, onLost: () => void): () => void {
  const source = new EventSource(`${AGENT}/chat/${job}/events`);
  const read = (sent: Event) => {
    if (!(sent instanceof MessageEvent)) {
      // The connection's own trouble; closed for good means that the agent does not know the job.
      if (source.readyState === EventSource.CLOSED) onLost();
      return;
    }
    const event = { ...(JSON.parse(sent.data) as object), type: sent.type } as ChatEvent;
    if (event.type === "done" || (event.type === "error" && event.node === null)) source.close();
    onEvent(event);
  };
  for (const type of EVENT_TYPES) source.addEventListener(type, read);
  return () => source.close();
}

async function post(path: string, body: BodyInit, type: string): Promise<Record<string, unknown>> {
  const answer = await fetch(AGENT + path, { method: "POST", body, headers: { "content-type": type } }).catch(
    (failure: unknown) => {
      throw new ApiError(String(failure), null, null);
    },
  );
  const told = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  if (answer.ok) return told;
  // The server's own problems have `error`, the agent's `detail`.
  const why = typeof told.error === "string" ? told.error : told.detail;
  throw new ApiError(typeof why === "string" ? why : answer.statusText, answer.status, null);
}
