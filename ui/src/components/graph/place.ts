/** Asks ELK where everything stands, in a worker of its own so that the page never waits for it. */

import ELK from "elkjs/lib/elk-api";
import workerUrl from "elkjs/lib/elk-worker.min.js?url";
import { type Direction, type Placed, placed, question } from "../../model/layout";

let elk: InstanceType<typeof ELK> | null = null;

export async function place(
  nodes: Parameters<typeof question>[0],
  edges: Parameters<typeof question>[1],
  direction: Direction,
): Promise<Placed> {
  elk ??= new ELK({ workerFactory: () => new Worker(workerUrl) });
  return placed(await elk.layout(question(nodes, edges, direction)));
}
