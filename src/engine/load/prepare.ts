// Reads a batch of records and prepares the commit that it asks for. One batch is one commit or nothing.

import type { View } from "../../index/view.ts";
import { badRequest } from "../../lib/errors.ts";
import type { Ports } from "../../lib/ports.ts";
import { slicesOf, type TextSet } from "../../lib/text-set.ts";
import { ulidSequence } from "../../lib/ulid.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { EdgeType, EntityType, NodeType } from "../../schema/catalog.ts";
import type { GraphStore } from "../../store/index.ts";
import type { DeletedEdge, ReadSet, TypeChanges } from "../../store/types.ts";
import type { BlobIntake } from "../blob/index.ts";
import type { LoadReader } from "../graph.ts";
import type { LoadedType, LoadMode } from "../outputs.ts";
import { type EdgeRow, ImageCheck } from "../write/image-check.ts";
import { ReadSetBuilder } from "../write/reads.ts";
import { BrokenRule, culpritOf, withCulprit } from "./culprit.ts";
import { typeOf } from "./envelope.ts";
import { Failures, type Stage } from "./failures.ts";
import { BYTES_IN_MEMORY_MAX, PROGRESS_ROWS, ROWS_IN_MEMORY_MAX } from "./limits.ts";
import { RECORD_READERS } from "./reader.ts";
import { Respelled } from "./respelled.ts";
import { type MemoryLimits, RowMemory } from "./row-memory.ts";
import { keyConflict, type LoaderContext, TypeLoader } from "./type-loader.ts";

const MEMORY_LIMITS: MemoryLimits = { rows: ROWS_IN_MEMORY_MAX, bytes: BYTES_IN_MEMORY_MAX };

export interface PreparedLoad {
  readonly changes: readonly TypeChanges[];
  readonly reads: ReadSet;
  readonly nodes: readonly LoadedType[];
  readonly edges: readonly LoadedType[];
}

export interface LoadContext {
  readonly store: GraphStore;
  readonly view: View;
  readonly ports: Ports;
  readonly mode: LoadMode;
  readonly reader: LoadReader;
  readonly blobs: BlobIntake;
  /** How much may be in memory; the process's own bounds without. */
  readonly limits?: MemoryLimits;
  readonly onProgress?: (rows: number) => void;
}

/** Throws for what one pass over the input finds wrong with it, then for the rules that look beyond one row. */
export async function prepareLoad(
  data: () => AsyncIterable<Uint8Array>,
  context: LoadContext,
): Promise<PreparedLoad> {
  const { view, store, ports, mode, reader, blobs } = context;
  const reads = new ReadSetBuilder();
  const check = new ImageCheck(view.catalog, view, reads, (violation) => {
    throw new BrokenRule(badRequest(violation.message), culpritOf(violation));
  });
  const shared: LoaderContext = {
    mode,
    reader,
    store,
    blobs,
    check,
    writer: store.rowWriter(),
    memory: new RowMemory(context.limits ?? MEMORY_LIMITS),
    nextId: ulidSequence(ports),
    respelled: new Respelled(),
  };
  const loaded = await readBatch(data(), context, shared);
  const loaders = loaded.sort((a, b) => compareUtf8(a.type.name, b.type.name));
  let deleted: ReadonlyMap<EntityType, DeletedEdge[]>;
  try {
    deleted = await judge(loaders, context, check, reads);
  } catch (thrown) {
    if (!(thrown instanceof BrokenRule)) throw thrown;
    throw await withCulprit(thrown, data(), view.catalog, shared);
  }
  await blobs.finish();

  const changes: TypeChanges[] = [];
  for (const loader of loaders) {
    changes.push({
      type: loader.type.id,
      replaced: mode === "overwrite",
      deletedNodes: [],
      deletedEdges: deleted.get(loader.type) ?? [],
      ...(await loader.finish()),
    });
  }
  const counts = (kind: EntityType["kind"]): LoadedType[] =>
    loaders
      .filter(({ type }) => type.kind === kind)
      .map(({ type, accepted }) => ({ name: type.name, entities_loaded: accepted }));
  return { changes, reads: reads.build(), nodes: counts("node"), edges: counts("edge") };
}

/** Holds what was read against the committed state and the rules; answers the committed edges that go away. */
async function judge(
  loaders: readonly TypeLoader[],
  context: LoadContext,
  check: ImageCheck,
  reads: ReadSetBuilder,
): Promise<Map<EntityType, DeletedEdge[]>> {
  const deleted = new Map<EntityType, DeletedEdge[]>();
  for (const loader of loaders) {
    if (context.mode === "overwrite") check.replaceType(loader.type);
    else deleted.set(loader.type, await reconcile(loader, context, check, reads));
    await loader.settle();
  }
  await check.finish();
  return deleted;
}

/** One loader for each type that the batch mentions. */
async function readBatch(
  data: AsyncIterable<Uint8Array>,
  { view, blobs, onProgress }: LoadContext,
  shared: LoaderContext,
): Promise<TypeLoader[]> {
  const { unit, read } = RECORD_READERS[shared.reader];
  const loaders = new Map<EntityType, TypeLoader>();
  const failures = new Failures();
  let records = 0;

  const loaderOf = (type: EntityType): TypeLoader => {
    let loader = loaders.get(type);
    if (loader === undefined) {
      loader = new TypeLoader(type, shared);
      loaders.set(type, loader);
    }
    return loader;
  };

  await read(paced(data, blobs, shared.memory), (envelope, number) => {
    const type = typeOf(view.catalog, envelope);
    if (type === undefined) {
      throw badRequest(`${unit} ${number}: unknown ${envelope.kind} type '${envelope.type}'`);
    }
    // Failures wait: a later record that is no envelope at all is reported before them.
    let stage: Stage = "record";
    if (failures.isSettled(type, stage)) return;
    try {
      const loader = loaderOf(type);
      const row =
        envelope.kind === "node"
          ? loader.read(null, null, envelope.data)
          : loader.read(envelope.from, envelope.to, envelope.data);
      stage = "value";
      loader.checkValues(row);
      stage = "uniqueness";
      if (!failures.isSettled(type, stage)) loader.accept(row);
    } catch (thrown) {
      failures.note(type, stage, { unit, number }, thrown);
    }
    if (++records % PROGRESS_ROWS === 0) onProgress?.(records);
  });
  failures.throwFirst();
  return [...loaders.values()];
}

/** The same chunks, each only when what those before it left in memory has room there. */
async function* paced(
  data: AsyncIterable<Uint8Array>,
  blobs: BlobIntake,
  memory: RowMemory,
): AsyncIterable<Uint8Array> {
  for await (const chunk of data) {
    yield chunk;
    await blobs.room();
    await memory.room();
  }
}

/**
 * Meets the committed entities of the ids that the input gave: append refuses them; merge replaces them, and an edge
 * that moved leaves its old place. Answers the committed edges that go away.
 */
async function reconcile(
  loader: TypeLoader,
  context: LoadContext,
  check: ImageCheck,
  reads: ReadSetBuilder,
): Promise<DeletedEdge[]> {
  const { type } = loader;
  const ids = loader.idsToMeet();
  if (ids === null || ids.size === 0) return [];
  reads.lookedUp(type.id, ids);
  if (type.kind === "node") {
    if (context.mode === "append") await refuseExistingNodes(type, ids, context.view);
    return [];
  }
  return reconcileEdges(type, ids, context, check);
}

async function refuseExistingNodes(type: NodeType, ids: TextSet, view: View): Promise<void> {
  for (const slice of slicesOf(ids)) {
    const exist = await view.nodesExist(type, slice);
    const at = exist.indexOf(true);
    if (at !== -1) throw existing(type, slice[at]);
  }
}

async function reconcileEdges(
  type: EdgeType,
  ids: TextSet,
  context: LoadContext,
  check: ImageCheck,
): Promise<DeletedEdge[]> {
  const committed = (await context.view.lookupEdges(type, ids)) as EdgeRow[];
  const inOrder = committed.sort((a, b) => ids.numberOf(a.id) - ids.numberOf(b.id));
  if (inOrder.length > 0 && context.mode === "append") throw existing(type, inOrder[0].id);
  const deleted = inOrder.map(({ src, dst, id }) => ({ src, dst, id }));
  for (const edge of deleted) check.removeEdge(type, edge);
  return deleted;
}

/** The conflict of an id that the graph has already. */
const existing = (type: EntityType, id: string) =>
  new BrokenRule(keyConflict(type, id), { type, hasPart: (row) => row.id === id, which: "last" });
