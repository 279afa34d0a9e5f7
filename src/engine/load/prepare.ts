// Reads a strict graph batch and prepares the commit that it asks for. One batch is one commit or nothing.

import type { View } from "../../index/view.ts";
import { badRequest, OmnigraphError } from "../../lib/errors.ts";
import type { Ports } from "../../lib/ports.ts";
import { ulidSequence } from "../../lib/ulid.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { EdgeType, EntityType, NodeType } from "../../schema/catalog.ts";
import { findEdge } from "../../schema/index.ts";
import type { GraphStore } from "../../store/index.ts";
import type { DeletedEdge, ReadSet, TypeChanges } from "../../store/types.ts";
import type { BlobIntake } from "../blob/index.ts";
import type { LoadedType, LoadMode } from "../outputs.ts";
import { type EdgeRow, ImageCheck } from "../write/image-check.ts";
import { ReadSetBuilder } from "../write/reads.ts";
import { RowSink } from "../write/row-sink.ts";
import { parseEnvelope } from "./envelope.ts";
import { PROGRESS_ROWS } from "./limits.ts";
import { readLines } from "./lines.ts";
import { keyConflict, TypeLoader } from "./type-loader.ts";

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
  readonly blobs: BlobIntake;
  readonly onProgress?: (rows: number) => void;
}

interface LoadedRows {
  readonly loader: TypeLoader;
  readonly rows: RowSink;
}

/** Throws on the first bad line, then on record errors type by type, then on the rules that look beyond one row. */
export async function prepareLoad(
  data: AsyncIterable<Uint8Array>,
  context: LoadContext,
): Promise<PreparedLoad> {
  const reads = new ReadSetBuilder();
  const check = new ImageCheck(context.view.catalog, context.view, reads, (violation) => {
    throw badRequest(violation.message);
  });
  const loaded = await readBatch(data, context, check);
  const types = [...loaded.values()].sort((a, b) => compareUtf8(a.loader.type.name, b.loader.type.name));

  const deleted = new Map<EntityType, DeletedEdge[]>();
  for (const { loader } of types) {
    if (context.mode === "overwrite") check.replaceType(loader.type);
    else deleted.set(loader.type, await reconcile(loader, context, check, reads));
    loader.finish();
  }
  await check.finish();
  await context.blobs.finish();

  const changes: TypeChanges[] = [];
  for (const { loader, rows } of types) {
    changes.push({
      type: loader.type.id,
      replaced: context.mode === "overwrite",
      deletedNodes: [],
      deletedEdges: deleted.get(loader.type) ?? [],
      ...(await rows.finish()),
    });
  }
  const counts = (kind: EntityType["kind"]): LoadedType[] =>
    types
      .filter(({ loader }) => loader.type.kind === kind)
      .map(({ loader }) => ({ name: loader.type.name, entities_loaded: loader.accepted }));
  return { changes, reads: reads.build(), nodes: counts("node"), edges: counts("edge") };
}

async function readBatch(
  data: AsyncIterable<Uint8Array>,
  context: LoadContext,
  check: ImageCheck,
): Promise<Map<EntityType, LoadedRows>> {
  const { catalog } = context.view;
  const writer = context.store.rowWriter();
  const nextId = ulidSequence(context.ports);
  const loaded = new Map<EntityType, LoadedRows>();
  const recordErrors = new Map<EntityType, OmnigraphError>();
  let records = 0;

  const loaderOf = (type: EntityType): TypeLoader => {
    const known = loaded.get(type);
    if (known !== undefined) return known.loader;
    const rows = new RowSink(writer, type);
    const onRow =
      type.kind === "node"
        ? (row: Parameters<ImageCheck["addNode"]>[1]) => check.addNode(type, row)
        : (row: Parameters<ImageCheck["addEdge"]>[1]) => check.addEdge(type, row);
    const loader = new TypeLoader(type, context.mode, nextId, rows, onRow, context.blobs);
    loaded.set(type, { loader, rows });
    return loader;
  };

  await readLines(paced(data, context.blobs), (text, line) => {
    const envelope = parseEnvelope(text, line);
    const type =
      envelope.kind === "node"
        ? catalog.nodes.get(envelope.type)
        : (findEdge(catalog, envelope.type) ?? undefined);
    if (type === undefined)
      throw badRequest(`line ${line}: unknown ${envelope.kind} type '${envelope.type}'`);
    // A record error waits: a later line that is no envelope at all is reported before it.
    if (recordErrors.has(type)) return;
    try {
      if (envelope.kind === "node") loaderOf(type).add(null, null, envelope.data);
      else loaderOf(type).add(envelope.from, envelope.to, envelope.data);
    } catch (error) {
      if (!(error instanceof OmnigraphError)) throw error;
      recordErrors.set(type, new OmnigraphError(error.kind, `line ${line}: ${error.message}`, error.details));
    }
    if (++records % PROGRESS_ROWS === 0) context.onProgress?.(records);
  });

  const first = firstByType(recordErrors);
  if (first !== null) throw first;
  return loaded;
}

/** The same chunks, each only when the values of those before it have left the memory that they may take. */
async function* paced(data: AsyncIterable<Uint8Array>, blobs: BlobIntake): AsyncIterable<Uint8Array> {
  for await (const chunk of data) {
    yield chunk;
    await blobs.room();
  }
}

/** Nodes before edges, each by name. */
function firstByType(errors: ReadonlyMap<EntityType, OmnigraphError>): OmnigraphError | null {
  const rank = (type: EntityType) => `${type.kind === "node" ? 0 : 1}${type.name}`;
  const sorted = [...errors].sort(([a], [b]) => compareUtf8(rank(a), rank(b)));
  return sorted.length === 0 ? null : sorted[0][1];
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
  const ids = [...loader.givenIds];
  if (ids.length === 0) return [];
  reads.lookedUp(type.id, ids);
  if ((await context.view.count(type)) === 0) return [];
  if (type.kind === "node") {
    if (context.mode === "append") await refuseExistingNodes(type, ids, context.view);
    return [];
  }
  return reconcileEdges(type, ids, context, check);
}

async function refuseExistingNodes(type: NodeType, ids: readonly string[], view: View): Promise<void> {
  const exist = await view.nodesExist(type, ids);
  const at = exist.indexOf(true);
  if (at !== -1) throw keyConflict(type, ids[at]);
}

async function reconcileEdges(
  type: EdgeType,
  ids: readonly string[],
  context: LoadContext,
  check: ImageCheck,
): Promise<DeletedEdge[]> {
  const committed = (await context.view.lookupEdges(type, ids)).filter((row) => row !== null) as EdgeRow[];
  if (committed.length > 0 && context.mode === "append") throw keyConflict(type, committed[0].id);
  const deleted = committed.map(({ src, dst, id }) => ({ src, dst, id }));
  for (const edge of deleted) check.removeEdge(type, edge);
  return deleted;
}
