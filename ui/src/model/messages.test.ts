import { expect, test } from "vitest";
import { inputMessages, outputMessages } from "./messages";

const say = (role: string, text: string) => ({ role, text, toolCalls: [], parts: [], media: [] });

test("OpenAI chat in and out", () => {
  expect(
    inputMessages({
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: "안녕" },
      ],
    }),
  ).toEqual([say("system", "Be brief."), say("user", "안녕")]);
  expect(outputMessages({ choices: [{ index: 0, message: { role: "assistant", content: "네" } }] })).toEqual([
    say("assistant", "네"),
  ]);
});

test("a tool call without text is a message", () => {
  const [message] = outputMessages({
    choices: [
      {
        message: {
          role: "assistant",
          content: null,
          tool_calls: [{ function: { name: "place", arguments: '{"q":1}' } }],
        },
      },
    ],
  });
  expect(message).toEqual({
    role: "assistant",
    text: "",
    toolCalls: [{ name: "place", args: '{"q":1}' }],
    parts: [],
    media: [],
  });
});

test("OpenAI Responses: instructions, input text, output items", () => {
  expect(inputMessages({ instructions: "Search.", input: "강남역" })).toEqual([
    say("system", "Search."),
    say("user", "강남역"),
  ]);
  expect(
    outputMessages({
      output: [
        { type: "reasoning", summary: [] },
        { type: "web_search_call", action: { query: "q" } },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "찾았습니다" }] },
      ],
    }),
  ).toEqual([
    { role: "assistant", text: "", toolCalls: [{ name: "web_search", args: '{"query":"q"}' }], parts: [], media: [] },
    say("assistant", "찾았습니다"),
  ]);
});

test("LangChain: nested lists of serialized messages, and generations", () => {
  const human = {
    lc: 1,
    type: "constructor",
    id: ["langchain", "schema", "messages", "HumanMessage"],
    kwargs: { content: "hi", type: "human" },
  };
  expect(inputMessages({ messages: [[human]] })).toEqual([say("user", "hi")]);
  const ai = { id: ["langchain", "schema", "messages", "AIMessage"], kwargs: { content: "hello" } };
  expect(outputMessages({ generations: [[{ text: "hello", type: "ChatGeneration", message: ai }]] })).toEqual([
    say("assistant", "hello"),
  ]);
  expect(inputMessages({ messages: [{ type: "human", content: "plain" }] })).toEqual([say("user", "plain")]);
});

test("Gemini: contents and candidates, images named by kind", () => {
  expect(
    inputMessages({
      contents: [{ role: "user", parts: [{ text: "무엇?" }, { inlineData: { data: "…" } }], media: [] }],
    }),
  ).toEqual([{ role: "user", text: "무엇?", toolCalls: [], parts: ["image"], media: [] }]);
  expect(outputMessages({ candidates: [{ content: { role: "model", parts: [{ text: "병" }], media: [] } }] })).toEqual([
    say("assistant", "병"),
  ]);
});

test("what is no chat stays unread", () => {
  expect(inputMessages({ question: "?" })).toEqual([]);
  expect(inputMessages(null)).toEqual([]);
  expect(outputMessages(["x"])).toEqual([]);
  expect(outputMessages({ ok: true })).toEqual([]);
});

test("an image that came with the message is shown, whatever the provider's way to send it", () => {
  const png = "iVBORw0KGgo=";
  const shown = { kind: "image", url: `data:image/png;base64,${png}` };
  const parts = [
    { type: "image_url", image_url: { url: shown.url } },
    { inlineData: { mimeType: "image/png", data: png } },
    { type: "image", source_type: "base64", mime_type: "image/png", data: png },
    { type: "input_image", image_url: shown.url },
  ];
  for (const part of parts) {
    expect(inputMessages({ messages: [{ role: "user", content: [part] }] })[0]?.media).toEqual([shown]);
  }
  const audio = { type: "input_audio", input_audio: { format: "wav", data: "UklGRg==" } };
  const [said] = inputMessages({ messages: [{ role: "user", content: [audio] }] });
  expect(said?.media).toEqual([{ kind: "audio", url: "data:audio/wav;base64,UklGRg==" }]);
});

test("what lies elsewhere, can run, or is no base64 is named and never loaded", () => {
  const urls = [
    "https://elsewhere.example/pixel.png",
    "data:image/svg+xml;base64,PHN2Zz4=",
    "data:text/html;base64,PGI+",
    'data:image/png;base64,"><script>',
    "javascript:alert(1)",
  ];
  for (const url of urls) {
    const [message] = inputMessages({
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }],
    });
    expect(message?.media).toEqual([]);
    expect(message?.parts).toEqual(["image"]);
  }
});

test("OpenTelemetry's conventions: parts with content, a tool's call and its answer, instructions beside", () => {
  expect(
    inputMessages({
      system_instructions: [{ type: "text", content: "Be kind." }],
      messages: [
        { role: "user", parts: [{ type: "text", content: "날씨?" }] },
        { role: "assistant", parts: [{ type: "tool_call", id: "c", name: "weather", arguments: { city: "서울" } }] },
        { role: "tool", parts: [{ type: "tool_call_response", id: "c", response: "맑음" }] },
        { role: "tool", parts: [{ type: "tool_call_response", id: "c", response: [{ text: "sunny" }] }] },
      ],
    }),
  ).toEqual([
    say("system", "Be kind."),
    say("user", "날씨?"),
    { ...say("assistant", ""), toolCalls: [{ name: "weather", args: '{"city":"서울"}' }] },
    say("tool", "맑음"),
    say("tool", "sunny"),
  ]);
  const thought = { type: "reasoning", content: "hm" };
  expect(
    outputMessages({ messages: [{ role: "assistant", parts: [thought, { type: "text", content: "네" }] }] }),
  ).toEqual([say("assistant", "네")]);
  expect(inputMessages({ system_instructions: "Be brief.", messages: [] })).toEqual([say("system", "Be brief.")]);
});

test("OpenInference: contents and tool calls each in a wrapper of their own", () => {
  expect(
    outputMessages({
      messages: [
        {
          role: "assistant",
          contents: [{ message_content: { type: "text", text: "생각한 답" } }],
          tool_calls: [{ tool_call: { id: "c", function: { name: "weather", arguments: "{}" } } }],
        },
      ],
    }),
  ).toEqual([{ ...say("assistant", "생각한 답"), toolCalls: [{ name: "weather", args: "{}" }] }]);
});

test("the Vercel AI SDK and Strands: calls by their own names", () => {
  expect(
    inputMessages({
      messages: [
        { role: "assistant", content: [{ type: "tool-call", toolName: "weather", input: { city: "서울" } }] },
        { role: "tool", content: [{ type: "tool-result", toolName: "weather", output: { t: 3 } }] },
        { role: "assistant", content: [{ toolUse: { name: "weather", input: { city: "서울" } } }] },
      ],
    }),
  ).toEqual([
    { ...say("assistant", ""), toolCalls: [{ name: "weather", args: '{"city":"서울"}' }] },
    say("tool", '{"t":3}'),
    { ...say("assistant", ""), toolCalls: [{ name: "weather", args: '{"city":"서울"}' }] },
  ]);
  expect(outputMessages({ messages: [{ finish_reason: "end_turn", message: [{ text: "짧은 답" }] }] })).toEqual([
    say("assistant", "짧은 답"),
  ]);
});
