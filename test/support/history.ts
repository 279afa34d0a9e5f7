// Graphs with a history of many one-row commits, for everything whose cost must not grow with it.

import type { Graph } from "../../src/engine/graph.ts";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import type { Ports } from "../../src/lib/ports.ts";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { heldObject } from "./s3-objects.ts";
import type { S3Server } from "./s3-server.ts";

export const HISTORY_SCHEMA = `node Person { name: String @key  age: I32? }
edge Knows: Person -> Person
`;

export const ADD_PERSON = `query add($name: String) { insert Person { name: $name, age: 40 } }`;
export const FIND_PERSON = `query find($name: String) {
  match { $p: Person { name: $name } }
  return { $p.name as name, $p.age as age }
}`;

/** Histories so far: caches of this process know objects by their address, so each history has one of its own. */
let made = 0;

/** The same graph after each of these numbers of commits (ascending, genesis not counted), each in a bucket of its own. */
export async function histories(depths: readonly number[], ports: Ports): Promise<Map<number, MemoryBucket>> {
  const bucket = new MemoryBucket();
  const storage = memoryStorage(ports, { bucket, uri: `memory://history-${++made}` });
  await initGraph({ storage, ports, schemaSource: HISTORY_SCHEMA });
  const graph = await openGraph({ storage, ports });
  const copies = new Map<number, MemoryBucket>();
  let commits = 0;
  for (const depth of depths) {
    for (; commits < depth; commits++) {
      await addPerson(graph, personName(commits));
      // Memory answers at once: without a pause nothing that goes on beside commits, as checkpoints do, would get its turn.
      await new Promise(setImmediate);
    }
    await graph.close();
    copies.set(depth, copyOf(bucket));
  }
  return copies;
}

/** Names in no order, so that the rows of later commits fall between those of earlier ones; all distinct. */
export function personName(number: number): string {
  const scattered = Math.imul(number + 1, 2_654_435_761) >>> 0;
  return `person-${scattered.toString(16).padStart(8, "0")}`;
}

export function addPerson(graph: Graph, name: string, branch = "main") {
  return graph.mutate({ source: ADD_PERSON, params: { name }, branch, actor: null });
}

function copyOf(bucket: MemoryBucket): MemoryBucket {
  const copy = new MemoryBucket();
  for (const [key, object] of bucket.objects) copy.objects.set(key, object);
  return copy;
}

/** Puts everything in the bucket under a prefix of the server's bucket. */
export function copyToServer(bucket: MemoryBucket, server: S3Server, prefix: string): void {
  const target = server.buckets.get(server.bucket);
  if (target === undefined) throw new Error(`the server has no bucket '${server.bucket}'`);
  for (const [key, { bytes }] of bucket.objects) target.objects.set(`${prefix}/${key}`, heldObject(bytes));
}
