// An application that traces with the published `langsmith` client for JavaScript in its ways of sending. What was sent is
// told as one object on stdout, and whatever the client has to complain of is on stderr.
// node langsmith_sends.mjs FOLDER_WITH_NODE_MODULES URL WAY…
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [, , folder, url, ...names] = process.argv;
const require = createRequire(pathToFileURL(join(folder, "here.js")));
const { Client, __version__: version } = require("langsmith");
const { traceable } = require("langsmith/traceable");

const metadata = { ls_provider: "openai", ls_model_name: "gpt-5.2" };
const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
const photo = Uint8Array.from({ length: 16_384 }, (_, place) => (place * 7) % 256);
const ways = {
  batched: {},
  single: { autoBatchTracing: false },
  manual: { manualFlushMode: true },
  hidden: { hideInputs: true, hideOutputs: (told) => ({ usage_metadata: told.usage_metadata }) },
  sampled: { tracingSamplingRate: 0.5 },
  blocking: { blockOnRootRunFinalization: true },
};

async function send(way) {
  const client = new Client({ apiUrl: url, apiKey: "local", ...ways[way] });
  const told = { client, project_name: `js ${way}`, tracingEnabled: true };
  const ask = traceable(async (question) => ({ content: question, usage_metadata: usage }), {
    ...told, name: "ask", run_type: "llm", metadata,
  });
  const stream = traceable(
    async function* (question) { yield* question; },
    { ...told, name: "stream", run_type: "llm", metadata, aggregator: (all) => ({ content: all.join(""), usage_metadata: usage }) },
  );
  const look = traceable((size) => size, {
    ...told, name: "look", extractAttachments: (size) => [{ photo: { mimeType: "image/png", data: photo } }, { size }],
  });
  const fails = traceable(async () => { throw new Error("강남역 \ud83d"); }, { ...told, name: "fails" });
  const agent = traceable(async (question) => {
    await ask(question);
    for await (const piece of await stream(question)) piece.length;
    if (way !== "single") await look(photo.length); // a single run carries no attachments
    await fails().catch(() => undefined);
    return { a: 1, nul: "a\0b", half: "\udc00" };
  }, { ...told, name: "agent", tags: ["a"] });
  for (let count = way === "sampled" ? 40 : 1; count > 0; count -= 1) await agent("강남역에서 버릴 곳? 🧴");
  await (way === "manual" ? client.flush() : client.awaitPendingTraceBatches());
}

for (const name of names) await send(name);
console.log(JSON.stringify({ version }));
