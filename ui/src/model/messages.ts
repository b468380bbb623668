/**
 * A chat out of whatever a run carried: OpenAI chat and Responses, LangChain, Gemini, and the messages of OpenTelemetry's
 * GenAI conventions, OpenInference and the Vercel AI SDK. What it does not know stays JSON.
 */

export type ToolCall = { readonly name: string; readonly args: string };
export type Message = {
  readonly role: string;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  /** Things shown by kind alone: `image`, `audio`, `file`. */
  readonly parts: readonly string[];
  /** Pictures and sounds that came with the message itself. What lies elsewhere is named, never fetched. */
  readonly media: readonly Media[];
};
export type Media = { readonly kind: "image" | "audio"; readonly url: string };

type Fields = Record<string, unknown>;
const MAX_DEPTH = 4;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value ?? {}));

const ROLES: Record<string, string> = {
  human: "user",
  HumanMessage: "user",
  HumanMessageChunk: "user",
  ai: "assistant",
  AIMessage: "assistant",
  AIMessageChunk: "assistant",
  model: "assistant",
  SystemMessage: "system",
  ToolMessage: "tool",
  developer: "system",
  function: "tool",
};

/** The messages a run was sent. */
export function inputMessages(inputs: unknown): Message[] {
  if (!isFields(inputs)) return [];
  const instructions = textOf(inputs.instructions) || textOf(inputs.system) || contentText(inputs.system_instructions);
  const system = instructions ? [plain("system", instructions)] : [];
  for (const key of ["messages", "contents", "input"]) {
    const found = messagesIn(inputs[key], "user");
    if (found.length > 0) return [...system, ...found];
  }
  return system;
}

/** The messages a run answered with. */
export function outputMessages(outputs: unknown): Message[] {
  if (!isFields(outputs)) return [];
  for (const key of ["choices", "generations", "candidates", "output", "message", "messages"]) {
    const found = messagesIn(outputs[key], "assistant");
    if (found.length > 0) return found;
  }
  return messagesIn(outputs, "assistant");
}

function plain(role: string, text: string): Message {
  return { role, text, toolCalls: [], parts: [], media: [] };
}

/** Messages anywhere in `value`: a list, a list of lists, a wrapper with `message` or `content`, or one message. */
function messagesIn(value: unknown, role: string, depth = 0): Message[] {
  if (depth > MAX_DEPTH) return [];
  if (typeof value === "string") return depth <= 1 && value !== "" ? [plain(role, value)] : [];
  if (Array.isArray(value)) return value.flatMap((item) => messagesIn(item, role, depth + 1));
  if (!isFields(value)) return [];
  if (isFields(value.message)) return messagesIn(value.message, role, depth + 1);
  if (Array.isArray(value.message)) return one({ role, content: value.message }, role);
  if (isFields(value.kwargs)) return one({ ...value.kwargs, role: listOf(value.id).at(-1) ?? value.kwargs.type }, role);
  if (isFields(value.data) && typeof value.type === "string") return one({ ...value.data, role: value.type }, role);
  if (isFields(value.content) && Array.isArray(value.content.parts)) return one(value.content, role);
  return one(value, role);
}

function one(value: Fields, fallback: string): Message[] {
  const kind = textOf(value.type);
  if (kind === "function_call") return [{ ...plain("assistant", ""), toolCalls: [call(value)] }];
  if (kind === "function_call_output") return [plain("tool", shown(value.output))];
  if (kind.endsWith("_call"))
    return [{ ...plain("assistant", ""), toolCalls: [{ name: kind.slice(0, -5), args: shown(value.action) }] }];
  if (kind === "reasoning") return [];
  const content = value.content ?? value.parts ?? value.contents ?? value.text;
  const calls = [...listOf(value.tool_calls).filter(isFields).map(call), ...inlineCalls(content)];
  if (content === undefined && calls.length === 0) return [];
  const said = textOf(value.role) || (ROLES[kind] ? kind : "");
  return [
    {
      role: ROLES[said] ?? (said || fallback),
      text: contentText(content),
      toolCalls: calls,
      parts: partKinds(content),
      media: mediaOf(content),
    },
  ];
}

/** What a call of a tool, and its answer, are called inside a message: Anthropic, OpenTelemetry, Vercel. */
const CALLS = new Set(["tool_use", "tool_call", "tool-call"]);
const RESULTS = new Set(["tool_call_response", "tool-result"]);

function call(value: Fields): ToolCall {
  if (isFields(value.tool_call)) return call(value.tool_call);
  const inner = isFields(value.function) ? value.function : value;
  return {
    name: textOf(inner.name) || textOf(inner.toolName) || "?",
    args: shown(inner.arguments ?? inner.args ?? inner.input),
  };
}

function inlineCalls(content: unknown): ToolCall[] {
  return listOf(content)
    .filter(isFields)
    .flatMap((part) => {
      if (isFields(part.functionCall)) return [call(part.functionCall)];
      if (isFields(part.function_call)) return [call(part.function_call)];
      if (isFields(part.toolUse)) return [call(part.toolUse)];
      return CALLS.has(textOf(part.type)) ? [call(part)] : [];
    });
}

function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  return listOf(content)
    .map((part) => (typeof part === "string" ? part : isFields(part) ? partText(part) : ""))
    .filter((text) => text !== "")
    .join("\n\n");
}

/** What a part says: its text, or what a tool answered. Thoughts are no part of the answer. */
function partText(part: Fields): string {
  if (isFields(part.message_content)) return partText(part.message_content);
  const answered = RESULTS.has(textOf(part.type)) ? (part.response ?? part.result ?? part.output) : undefined;
  if (answered !== undefined) return contentText(answered) || shown(answered);
  return textOf(part.text) || (part.type === "text" ? textOf(part.content) : "");
}

/** Formats a browser decodes without running anything in them: an SVG is a program, and stays out. */
const INLINE = /^(image\/(png|jpeg|gif|webp|avif)|audio\/(mpeg|mp3|wav|x-wav|ogg|webm|aac|flac|mp4))$/;
const DATA_URL = /^data:([a-z]+\/[a-z0-9.+-]+);base64,([A-Za-z0-9+/=_-]+)$/;

/** Bytes that stand in the message: OpenAI's data URLs and `input_audio`, Gemini's `inlineData`, LangChain's `base64`. */
function mediaOf(content: unknown): Media[] {
  return listOf(content)
    .filter(isFields)
    .flatMap((part) => {
      const blob = [part.inlineData, part.inline_data].find(isFields);
      if (blob) return inline(textOf(blob.mimeType) || textOf(blob.mime_type), textOf(blob.data));
      const url = isFields(part.image_url) ? textOf(part.image_url.url) : textOf(part.image_url);
      if (url) return inline(...dataParts(url));
      if (isFields(part.input_audio))
        return inline(`audio/${textOf(part.input_audio.format)}`, textOf(part.input_audio.data));
      const bytes = textOf(part.base64) || (part.source_type === "base64" ? textOf(part.data) : "");
      return inline(textOf(part.mime_type), bytes);
    });
}

function dataParts(url: string): [string, string] {
  const found = DATA_URL.exec(url);
  return [found?.[1] ?? "", found?.[2] ?? ""];
}

function inline(type: string, bytes: string): Media[] {
  if (bytes === "" || !INLINE.test(type)) return [];
  const standard = bytes.replaceAll("-", "+").replaceAll("_", "/");
  return [{ kind: type.startsWith("image/") ? "image" : "audio", url: `data:${type};base64,${standard}` }];
}

function partKinds(content: unknown): string[] {
  return listOf(content)
    .filter(isFields)
    .flatMap((part) => {
      const kind = textOf(part.type);
      if (isFields(part.inlineData) || isFields(part.inline_data) || kind.includes("image")) return ["image"];
      if (kind.includes("audio")) return ["audio"];
      return kind.includes("file") ? ["file"] : [];
    });
}
