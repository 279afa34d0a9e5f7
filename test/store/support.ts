// Graphs for the store's tests: a harbour with ships, ports and calls, written through the store's own door.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ports, systemPorts } from "../../src/lib/ports.ts";
import { ulid } from "../../src/lib/ulid.ts";
import type { Value } from "../../src/query/plan.ts";
import {
  acceptedDigest,
  admitSchema,
  type Catalog,
  decodeAccepted,
  type EdgeType,
  type EntityType,
  encodeAccepted,
  type NodeType,
} from "../../src/schema/index.ts";
import { seededUnit } from "../../src/storage/faults.ts";
import { fileStorage, type StorageAdapter } from "../../src/storage/index.ts";
import {
  type BranchState,
  batchOf,
  type Draft,
  type GraphStore,
  initStore,
  ObjectCache,
  openStore,
  type PublishRequest,
  type PublishResult,
  type ReadSet,
  type Row,
  rowsOf,
  type StoreOptions,
  type TypeChanges,
} from "../../src/store/index.ts";

export const HARBOUR: Catalog = admitSchema(
  `node Ship { imo: String @key  name: String  flag: String?  tonnage: I32?  @unique(name) }
node Port { code: String @key  name: String }
edge CallsAt: Ship -> Port { berth: String? }
`,
  null,
);
export const SHIP = typeNamed("Ship") as NodeType;
export const PORT = typeNamed("Port") as NodeType;
export const CALLS_AT = typeNamed("CallsAt") as EdgeType;

function typeNamed(name: string): EntityType {
  const type = HARBOUR.nodes.get(name) ?? HARBOUR.edges.get(name);
  if (type === undefined) throw new Error(`the harbour has no ${name}`);
  return type;
}

/** Ports that never really wait: sleeping moves their own clock. The same seed gives the same ids and pauses. */
export function quickPorts(seed = 1): Ports & { advance(ms: number): void } {
  const random = seededUnit(seed);
  let now = Date.UTC(2026, 0, 1);
  let micros = now * 1000;
  return {
    now: () => now,
    nowMicros: () => {
      micros = Math.max(micros + 1, now * 1000);
      return micros;
    },
    randomBytes: (into) => into.map(() => Math.floor(random() * 256)),
    env: {},
    sleep: (ms) => {
      now += Math.ceil(ms);
      return new Promise((resolve) => setImmediate(resolve));
    },
    advance: (ms) => {
      now += ms;
    },
  };
}

export const realPorts: Ports = systemPorts();

export const ACCEPTED = encodeAccepted(HARBOUR);

export async function initHarbour(storage: StorageAdapter, ports: Ports): Promise<void> {
  await initStore(storage, ports, { acceptedSchema: ACCEPTED, digest: acceptedDigest(ACCEPTED) });
}

/** A process of its own: nothing cached. */
export function openHarbour(
  storage: StorageAdapter,
  ports: Ports,
  options: Partial<StoreOptions> = {},
): Promise<GraphStore> {
  return openStore(storage, ports, {
    decodeSchema: decodeAccepted,
    cache: new ObjectCache(64 * 1024 * 1024),
    ...options,
  });
}

const directories: string[] = [];

export function directoryStorage(ports: Ports): StorageAdapter {
  const directory = mkdtempSync(join(tmpdir(), "omnigraph-store-"));
  directories.push(directory);
  return fileStorage(directory, ports);
}

export function removeDirectories(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

export const ship = (imo: string, name = imo, tonnage: number | null = null): Row =>
  node(SHIP, imo, { imo, name, tonnage });
export const port = (code: string): Row => node(PORT, code, { code, name: code });
export const call = (src: string, dst: string, id: string): Row => ({ id, src, dst, values: [null] });

function node(type: NodeType, id: string, values: Readonly<Record<string, Value>>): Row {
  return { id, src: null, dst: null, values: type.properties.map(({ name }) => values[name] ?? null) };
}

/** What a test commits; everything left out is empty. */
export interface Change {
  readonly type: EntityType;
  readonly rows?: readonly Row[];
  readonly asSegment?: boolean;
  readonly deleted?: readonly string[];
  readonly deletedEdges?: readonly (readonly [string, string, string])[];
  readonly replaced?: boolean;
}

export interface Reads {
  readonly types?: readonly EntityType[];
  readonly ids?: readonly (readonly [EntityType, readonly string[]])[];
  readonly unique?: readonly (readonly [string, readonly string[]])[];
  readonly incident?: readonly (readonly [EntityType, readonly string[]])[];
}

export function readSet(reads: Reads = {}): ReadSet {
  return {
    types: new Set((reads.types ?? []).map(({ id }) => id)),
    ids: new Map((reads.ids ?? []).map(([{ id }, ids]) => [id, new Set(ids)])),
    unique: new Map((reads.unique ?? []).map(([key, tuples]) => [key, new Set(tuples)])),
    incident: new Map((reads.incident ?? []).map(([{ id }, ids]) => [id, new Set(ids)])),
  };
}

export async function changesOf(store: GraphStore, changes: readonly Change[]): Promise<TypeChanges[]> {
  const writer = store.rowWriter();
  return Promise.all(
    changes.map(async (change): Promise<TypeChanges> => {
      const { type, rows = [], deleted = [], deletedEdges = [], replaced = false } = change;
      const written = await writer.write(type, change.asSegment ? [] : rows);
      const segment = change.asSegment ? await segmentOf(store, type, rows) : [];
      return {
        type: type.id,
        replaced,
        deletedNodes: deleted,
        deletedEdges: deletedEdges.map(([src, dst, id]) => ({ src, dst, id })),
        rows: written.rows,
        segments: [...written.segments, ...segment],
      };
    }),
  );
}

async function segmentOf(store: GraphStore, type: EntityType, rows: readonly Row[]) {
  return [await store.rowWriter().writeSegment(type, batchOf(rows, type))];
}

export interface Commit {
  readonly changes: readonly Change[];
  readonly reads?: Reads;
  readonly branch?: string;
  readonly actor?: string;
  readonly operation?: Draft["operation"];
  readonly merged?: BranchState;
}

export function draftOf(ports: Ports, commit: Commit, changes: readonly TypeChanges[]): Draft {
  return {
    id: ulid(ports),
    actor: commit.actor ?? null,
    authoredAt: ports.nowMicros(),
    operation: commit.operation ?? "mutate",
    mergedParent: commit.merged?.head.id ?? null,
    mergedFrom: commit.merged ?? null,
    schema: null,
    changes,
    reads: readSet(commit.reads),
  };
}

/** Publishes one commit that does not depend on what it finds. */
export async function commit(
  store: GraphStore,
  request: Commit,
  options: Partial<PublishRequest> = {},
): Promise<PublishResult> {
  const draft = draftOf(store.ports, request, await changesOf(store, request.changes));
  return store
    .branch(request.branch ?? "main")
    .publish({ prepare: async () => draft, repeat: "always", ...options });
}

export const addShips = (store: GraphStore, ...imos: string[]): Promise<PublishResult> =>
  commit(store, { changes: [{ type: SHIP, rows: imos.map((imo) => ship(imo)) }] });

/** All entities of a state by type name, then by id (edges by src, dst and id), read the plain way. */
export async function contents(
  store: GraphStore,
  state: BranchState,
): Promise<Record<string, Record<string, readonly Value[]>>> {
  const all: Record<string, Record<string, readonly Value[]>> = {};
  for (const type of [...state.catalog.typeById.values()].sort((a, b) => a.id - b.id)) {
    const rows = new Map<string, readonly Value[]>();
    const add = (row: Row) => rows.set(keyOf(row), row.values);
    for (const { segment, dead } of state.checkpoint.types.get(type.id)?.segments ?? []) {
      const isDead = new Set(await store.readDead(dead));
      const read = (await store.readSegmentBatches(segment)).flatMap((batch) => rowsOf(batch, type));
      for (const [i, row] of read.entries()) {
        if (isDead.has(i)) continue;
        if (rows.has(keyOf(row))) throw new Error(`two live rows of ${keyOf(row)}`);
        add(row);
      }
    }
    const counted = state.checkpoint.types.get(type.id)?.count ?? 0;
    if (rows.size !== counted) throw new Error(`${type.name} counts ${counted} and has ${rows.size}`);
    for (const { changes } of state.tail) {
      for (const change of changes.filter((candidate) => candidate.type === type.id)) {
        if (change.replaced) rows.clear();
        for (const id of change.deletedNodes) rows.delete(id);
        for (const { src, dst, id } of change.deletedEdges) rows.delete(keyOf({ src, dst, id }));
        for (const row of change.rows === null ? [] : rowsOf(change.rows, type)) add(row);
        for (const segment of change.segments) {
          for (const batch of await store.readSegmentBatches(segment))
            for (const row of rowsOf(batch, type)) add(row);
        }
      }
    }
    all[type.name] = Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return all;
}

const keyOf = ({ src, dst, id }: Pick<Row, "src" | "dst" | "id">): string =>
  src === null ? id : `${src} -> ${dst} ${id}`;

/** Ids of a type's live entities. */
export async function idsOf(store: GraphStore, state: BranchState, type: EntityType): Promise<string[]> {
  return Object.keys((await contents(store, state))[type.name] ?? {});
}

/** The error that a promise ends with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof Error) return thrown;
    throw thrown;
  }
  throw new Error("expected a failure");
}
