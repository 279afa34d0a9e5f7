// Graphs for the engine's tests: on memory, small, named.

import { expect } from "bun:test";
import type { Graph, ReadSelector } from "../../src/engine/graph.ts";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import type { LoadMode, LoadOutput, MutationOutput } from "../../src/engine/outputs.ts";
import { OmnigraphError } from "../../src/lib/errors.ts";
import type { JsonObject, JsonValue } from "../../src/lib/json.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { encodeUtf8 } from "../../src/lib/utf8.ts";
import { memoryStorage, type StorageAdapter } from "../../src/storage/index.ts";

export const ports = systemPorts();

/** The harbour of spec 03. */
export const HARBOUR = `
node Ship { imo: String @key  name: String  flag: String?  tonnage: I32?  @range(tonnage, 10..)  @check(imo, "^IMO") }
node Port { code: String @key  name: String }
node Note { text: String }
edge CallsAt: Ship -> Port { berth: String? }
`;

export interface TestGraph {
  readonly graph: Graph;
  readonly storage: StorageAdapter;
  /** Another process's eyes: a fresh engine on the same storage. */
  reopen(): Promise<Graph>;
  load(lines: readonly (object | string)[], mode?: LoadMode, branch?: string): Promise<LoadOutput>;
  mutate(statements: string, params?: JsonObject, branch?: string): Promise<MutationOutput>;
  rows(query: string, params?: JsonValue, selector?: ReadSelector): Promise<JsonObject[]>;
}

export async function testGraph(
  schemaSource: string,
  storage: StorageAdapter = memoryStorage(ports),
): Promise<TestGraph> {
  await initGraph({ storage, ports, schemaSource });
  return over(storage, await openGraph({ storage, ports }));
}

export function over(storage: StorageAdapter, graph: Graph): TestGraph {
  return {
    graph,
    storage,
    reopen: () => openGraph({ storage, ports }),
    load: (lines, mode = "merge", branch) =>
      graph.load({
        data: () => ndjson(lines),
        mode,
        actor: null,
        ...(branch === undefined ? {} : { branch }),
      }),
    mutate: (statements, params = {}, branch) =>
      graph.mutate({
        source: statements.startsWith("query") ? statements : `query m() { ${statements} }`,
        params,
        actor: null,
        ...(branch === undefined ? {} : { branch }),
      }),
    rows: async (query, params = {}, selector = {}) =>
      (
        await graph.query({
          source: query.startsWith("query") ? query : `query q() { ${query} }`,
          params,
          ...selector,
        })
      ).rows(),
  };
}

/** The graph as another process has it, for which `meanwhile` happens right before it publishes for the first time. */
export async function interrupted(graph: TestGraph, meanwhile: () => Promise<unknown>): Promise<TestGraph> {
  let isWaiting = true;
  const storage: StorageAdapter = new Proxy(graph.storage, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "putIfAbsent") return member.bind(target);
      return async (key: string, bytes: Uint8Array) => {
        if (isWaiting && key.includes("/log/")) {
          isWaiting = false;
          await meanwhile();
        }
        return target.putIfAbsent(key, bytes);
      };
    },
  });
  return over(storage, await openGraph({ storage, ports }));
}

export async function* ndjson(lines: readonly (object | string)[]): AsyncIterable<Uint8Array> {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
  yield encodeUtf8(`${text}\n`);
}

/** The error that a promise ends with; fails when it does not end with one of ours. */
export async function refusal(promise: Promise<unknown>): Promise<OmnigraphError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OmnigraphError) return error;
    throw error;
  }
  throw new Error("expected a refusal, got success");
}

export async function expectRefused(
  promise: Promise<unknown>,
  status: number,
  phrase: string,
): Promise<void> {
  const error = await refusal(promise);
  expect(error.message).toContain(phrase);
  expect(error.status).toBe(status);
}

export async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString("utf8");
}
