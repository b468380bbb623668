/** A chat out of whatever a run carried: OpenAI chat and Responses, LangChain, Gemini. What it does not know stays JSON. */

export type ToolCall = { readonly name: string; readonly args: string };
export type Message = {
  readonly role: string;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  /** Things shown by kind alone: `image`, `audio`, `file`, `reasoning`. */
  readonly parts: readonly string[];
};

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
  const instructions = textOf(inputs.instructions) || textOf(inputs.system);
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
  return { role, text, toolCalls: [], parts: [] };
}

/** Messages anywhere in `value`: a list, a list of lists, a wrapper with `message` or `content`, or one message. */
function messagesIn(value: unknown, role: string, depth = 0): Message[] {
  if (depth > MAX_DEPTH) return [];
  if (typeof value === "string") return depth <= 1 && value !== "" ? [plain(role, value)] : [];
  if (Array.isArray(value)) return value.flatMap((item) => messagesIn(item, role, depth + 1));
  if (!isFields(value)) return [];
  if (isFields(value.message)) return messagesIn(value.message, role, depth + 1);
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
  const content = value.content ?? value.parts ?? value.text;
  const calls = [...listOf(value.tool_calls).filter(isFields).map(call), ...inlineCalls(content)];
  if (content === undefined && calls.length === 0) return [];
  const said = textOf(value.role) || (ROLES[kind] ? kind : "");
  return [
    {
      role: ROLES[said] ?? (said || fallback),
      text: contentText(content),
      toolCalls: calls,
      parts: partKinds(content),
    },
  ];
}

function call(value: Fields): ToolCall {
  const inner = isFields(value.function) ? value.function : value;
  return { name: textOf(inner.name) || "?", args: shown(inner.arguments ?? inner.args ?? inner.input) };
}

function inlineCalls(content: unknown): ToolCall[] {
  return listOf(content)
    .filter(isFields)
    .flatMap((part) => {
      if (isFields(part.functionCall)) return [call(part.functionCall)];
      if (isFields(part.function_call)) return [call(part.function_call)];
      return part.type === "tool_use" ? [call(part)] : [];
    });
}

function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  return listOf(content)
    .map((part) => (typeof part === "string" ? part : isFields(part) ? textOf(part.text) : ""))
    .filter((text) => text !== "")
    .join("\n\n");
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
