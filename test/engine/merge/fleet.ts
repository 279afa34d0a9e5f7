// Ships on branches that come and go, for tests of merges with cleanups between.

import type { Graph } from "../../../src/engine/graph.ts";
import { initGraph, openGraph } from "../../../src/engine/index.ts";
import { openMaintenance } from "../../../src/engine/maintenance/index.ts";
import { MemoryBucket, memoryStorage } from "../../../src/storage/index.ts";
import { quickPorts } from "../../store/support.ts";
import { refusal } from "../support.ts";

const SCHEMA = "node Ship { imo: String @key  x: String?  photo: Blob? }\n";
const HOUR_MS = 60 * 60_000;

export interface Fleet {
  set(branch: string, imo: string, x: string): Promise<void>;
  fork(name: string, from: string): Promise<void>;
  merge(source: string, target: string): Promise<string>;
  remove(name: string): Promise<void>;
  /** Deletes a ship. */
  sink(branch: string, imo: string): Promise<void>;
  ships(branch: string): Promise<Record<string, string>>;
  /** Keeps one commit a branch, two hours later, as a process of its own. */
  cleanUp(): Promise<void>;
  /** What everybody does from now on, new processes do. */
  restart(): Promise<void>;
  refuse(source: string, target: string): Promise<string>;
}

let fleets = 0;

export async function fleet(): Promise<Fleet> {
  const number = ++fleets;
  const ports = quickPorts();
  const bucket = new MemoryBucket();
  let processes = 0;
  const storage = () => memoryStorage(ports, { bucket, uri: `memory://fleet-${number}-${++processes}` });
  await initGraph({ storage: storage(), ports, schemaSource: SCHEMA });
  let graph: Graph = await openGraph({ storage: storage(), ports });
  const fleet: Fleet = {
    set: async (branch, imo, x) => {
      const source = "query m($i: String, $x: String, $b: Blob) { insert Ship { imo: $i x: $x photo: $b } }";
      await graph.mutate({ source, params: { i: imo, x, b: `base64:${btoa(x)}` }, branch, actor: null });
    },
    fork: async (name, from) => {
      await graph.createBranch({ name, from, actor: null });
    },
    merge: async (source, target) => (await graph.merge({ source, target, actor: null })).outcome,
    remove: async (name) => {
      await graph.deleteBranch({ name, actor: null });
    },
    sink: async (branch, imo) => {
      const source = "query m($i: String) { delete Ship where imo = $i }";
      await graph.mutate({ source, params: { i: imo }, branch, actor: null });
    },
    ships: async (branch) => {
      const source = "query q() { match { $s: Ship } return { $s.imo as i, $s.x as x } }";
      const rows = (await graph.query({ source, branch })).rows();
      return Object.fromEntries(rows.map(({ i, x }) => [String(i), String(x)]).sort());
    },
    cleanUp: async () => {
      await fleet.restart();
      ports.advance(2 * HOUR_MS);
      await (await openMaintenance({ storage: storage(), ports })).cleanup({ keep: 1 });
    },
    restart: async () => {
      await graph.close();
      graph = await openGraph({ storage: storage(), ports });
    },
    refuse: async (source, target) => (await refusal(graph.merge({ source, target, actor: null }))).message,
  };
  return fleet;
}
