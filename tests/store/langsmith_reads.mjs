// What a program does with the published `langsmith` client for JavaScript, as one object of answers on stdout.
// node langsmith_reads.mjs FOLDER_WITH_NODE_MODULES URL
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [, , folder, url] = process.argv;
const require = createRequire(pathToFileURL(join(folder, "here.js")));
const { Client } = require("langsmith");
const { RunTree } = require("langsmith/run_trees");
const client = new Client({ apiUrl: url, apiKey: "local", autoBatchTracing: false });
const told = {};

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}
const flush = () => fetch(`${url}/everytoken/v1/flush`, { method: "POST" });

const root = new RunTree({
  name: "chat", run_type: "chain", project_name: "js", client, inputs: { q: 1 },
  extra: { metadata: { thread_id: "t-1" } },
});
await root.postRun();
const call = root.createChild({
  name: "model", run_type: "llm", inputs: { q: 1 },
  extra: { metadata: { ls_provider: "openai", ls_model_name: "gpt-5.2" } },
});
await call.postRun();
await call.end({ a: 1, usage_metadata: { input_tokens: 47, output_tokens: 12, total_tokens: 59 } });
await call.patchRun();
await root.end({ answer: "59" });
await root.patchRun();
await flush();

const runs = await all(client.listRuns({ projectName: "js", isRoot: true }));
told.runs = runs.map((run) => [run.name, run.total_tokens, run.total_cost]);
told.ofExample = (await all(client.listRuns({ projectName: "js", referenceExampleId: root.id }))).length;
told.children = (await client.readRun(root.id, { loadChildRuns: true })).child_runs.map((run) => run.name);
told.tokens = (await client.getRunStats({ projectNames: ["js"] })).total_tokens;

told.made = (await client.createProject({ projectName: "js-made", numExamples: 3, tagValueIds: [root.id] })).name;
told.projects = (await all(client.listProjects({ nameContains: "js", includeStats: true })))
  .map((project) => [project.name, project.total_tokens]).sort();
told.known = [await client.hasProject({ projectName: "js-made" }), await client.hasProject({ projectName: "no" })];
await client.deleteProject({ projectName: "js-made" });

const link = await client.shareRun(root.id);
told.sameLink = (await client.readRunSharedLink(root.id)) === link;
const token = link.split("/").at(-2);
told.shared = (await client.listSharedRuns(token)).map((run) => run.name);
told.sharedById = (await client.listSharedRuns(token, { runIds: [call.id] })).map((run) => run.name);
await client.unshareRun(root.id);
told.unshared = (await client.readRunSharedLink(root.id)) === undefined;

told.thread = (await all(client.readThread({ threadId: "t-1", projectName: "js" }))).map((run) => run.name);
told.threads = (await client.listThreads({ projectName: "js" })).map((thread) => [thread.thread_id, thread.count]);
told.groups = (await all(client.listGroupRuns({ projectName: "js", groupBy: "conversation" })))
  .map((group) => [group.group_key, group.count]);

const feedback = await client.createFeedback(root.id, "good", { score: 1 });
await client.updateFeedback(feedback.id, { score: 0.5 });
told.feedback = (await all(client.listFeedback({ runIds: [root.id] }))).map((one) => one.score);
await client.createPresignedFeedbackToken(root.id, "stars");
told.feedbackTokens = (await all(client.listPresignedFeedbackTokens(root.id))).length;
await client.createFeedbackConfig({ feedbackKey: "stars", feedbackConfig: { type: "continuous", min: 0, max: 5 } });
told.configs = (await all(client.listFeedbackConfigs({ includeAllConfigs: true }))).map((one) => one.feedback_key);

const project_id = (await client.readProject({ projectName: "js" })).id;
const asked = { project_ids: [project_id], selects: ["NAME"] };
told.v2 = (await all(client.runs.query(asked))).map((run) => run.name);
told.streamed = (await all(client.runs.streaming.queryV2Items(asked))).map((run) => run.name);
told.v2threads = (await all(client.threads.query({ project_id }))).map((thread) => [thread.thread_id, thread.total_tokens]);
told.dataset = await client.hasDataset({ datasetName: "none" });
told.queues = await all(client.listAnnotationQueues()).catch((error) => error.message);
console.log(JSON.stringify(told));
