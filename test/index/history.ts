// A graph's past as a list of plain changes, and any physical form of the state that they lead to: rows in segments, in
// the tail, or both; so that tests can ask whether the form shows.

import { ImageCache, type ImageCacheOptions } from "../../src/index/index.ts";
import type { Value } from "../../src/query/plan.ts";
import {
  admitSchema,
  type Catalog,
  canonicalKeyText,
  type EntityType,
  type StableId,
} from "../../src/schema/index.ts";
import type {
  BranchState,
  CommitRecord,
  DeadRows,
  DeletedEdge,
  LoggedCommit,
  Row,
  RowBatch,
  SegmentReader,
  SegmentRef,
  TypeChanges,
  TypeState,
} from "../../src/store/index.ts";
import { batchOf, takeRows } from "../../src/store/index.ts";

/** What one commit does to one type. */
export interface Change {
  readonly type: EntityType;
  readonly replaced?: boolean;
  readonly deletedNodes?: readonly string[];
  readonly deletedEdges?: readonly DeletedEdge[];
  readonly rows?: readonly Row[];
}

export type Commit = readonly Change[];

/** How a state is laid out. */
export interface Layout {
  /** Commits that are in the checkpoint; the others are the tail. */
  readonly checkpointed: number;
  /** Commits that share a segment. */
  readonly commitsPerSegment: number;
  /** Tail commits whose rows stand in segments of their own. */
  readonly tailSegments: boolean;
  readonly rowsPerBatch: number;
}

export const keyOf = (row: Pick<Row, "id" | "src" | "dst">): string =>
  JSON.stringify([row.src, row.dst, row.id]);
const nodeKey = (id: string) => JSON.stringify([null, null, id]);
const edgeKey = (edge: DeletedEdge) => JSON.stringify([edge.src, edge.dst, edge.id]);

/** The rows that commits leave, by type and key. */
export function replay(commits: readonly Commit[]): Map<StableId, Map<string, Row>> {
  const types = new Map<StableId, Map<string, Row>>();
  for (const change of commits.flat()) {
    const rows = types.get(change.type.id) ?? new Map<string, Row>();
    types.set(change.type.id, rows);
    if (change.replaced === true) rows.clear();
    for (const id of change.deletedNodes ?? []) rows.delete(nodeKey(id));
    for (const edge of change.deletedEdges ?? []) rows.delete(edgeKey(edge));
    for (const row of change.rows ?? []) rows.set(keyOf(row), row);
  }
  return types;
}

/** Segments in memory. */
export class Segments implements SegmentReader {
  readonly batches = new Map<string, RowBatch[]>();
  readonly deadRows = new Map<string, Uint32Array>();
  /** Batches that were read. */
  reads = 0;

  async readSegmentBatches(segment: SegmentRef, wanted?: readonly number[]): Promise<RowBatch[]> {
    const batches = this.batches.get(segment.id) ?? [];
    const picked = wanted === undefined ? batches : wanted.map((index) => batches[index]);
    this.reads += picked.length;
    return picked;
  }

  async readDead(dead: DeadRows): Promise<Uint32Array> {
    if (dead.kind === "none") return new Uint32Array(0);
    return dead.kind === "rows" ? dead.rows : (this.deadRows.get(dead.key) ?? new Uint32Array(0));
  }

  write(id: string, type: EntityType, rows: readonly Row[], rowsPerBatch: number): SegmentRef {
    const whole = batchOf(rows, type);
    const batches: RowBatch[] = [];
    for (let start = 0; start < whole.length; start += rowsPerBatch) {
      const length = Math.min(rowsPerBatch, whole.length - start);
      batches.push(
        takeRows(
          whole,
          Uint32Array.from({ length }, (_, i) => start + i),
        ),
      );
    }
    this.batches.set(id, batches);
    const decoder = new TextDecoder();
    const keyText = (batch: RowBatch, row: number) => {
      const column = batch.src ?? batch.ids;
      return decoder.decode(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]));
    };
    return {
      id,
      type: type.id,
      rows: whole.length,
      bytes: 0,
      columns: [...whole.columns.keys()],
      layouts: [],
      batches: batches.map((batch) => ({
        offset: 0,
        length: 0,
        rows: batch.length,
        least: keyText(batch, 0),
        greatest: keyText(batch, batch.length - 1),
        crc: 0,
      })),
    };
  }
}

const NO_CHANGE = { replaced: false, deletedNodes: [], deletedEdges: [], rows: null, segments: [] } as const;

export class History {
  readonly catalog: Catalog;
  readonly commits: Commit[] = [];
  readonly segments = new Segments();

  constructor(schema: string) {
    this.catalog = admitSchema(schema, null);
  }

  node(name: string) {
    const type = this.catalog.nodes.get(name);
    if (type === undefined) throw new Error(`no node type ${name}`);
    return type;
  }

  edge(name: string) {
    const type = this.catalog.edges.get(name);
    if (type === undefined) throw new Error(`no edge type ${name}`);
    return type;
  }

  /** A row from property values by name. */
  row(
    type: EntityType,
    id: string,
    values: Readonly<Record<string, Value>>,
    src?: string,
    dst?: string,
  ): Row {
    return {
      id,
      src: src ?? null,
      dst: dst ?? null,
      values: type.properties.map((property) => values[property.name] ?? null),
    };
  }

  commit(...changes: Change[]): void {
    this.commits.push(changes);
  }

  /** The state after `count` commits (all without it), laid out as asked. */
  state(layout: Partial<Layout> = {}, count = this.commits.length, branch = "main"): BranchState {
    const form: Layout = {
      checkpointed: 0,
      commitsPerSegment: 1_000,
      tailSegments: false,
      rowsPerBatch: 3,
      ...layout,
    };
    const checkpointed = Math.min(form.checkpointed, count);
    const records = Array.from({ length: count + 1 }, (_, i) => this.record(i));
    return {
      ref: { name: branch, id: branch, lineage: [] },
      position: count,
      head: records[count],
      catalog: this.catalog,
      checkpoint: {
        branch,
        position: checkpointed,
        head: records[checkpointed],
        types: this.checkpoint(form, checkpointed),
        history: { commits: [], earlier: [], packs: [] },
      },
      tail: this.commits.slice(checkpointed, count).map((commit, i): LoggedCommit => {
        const record = records[checkpointed + i + 1];
        return { record, changes: commit.map((change) => this.logged(change, record, form)) };
      }),
    };
  }

  cache(options: Partial<ImageCacheOptions> = {}): ImageCache {
    return new ImageCache(this.segments, { resident: false, keyText: canonicalKeyText, ...options });
  }

  record(index: number): CommitRecord {
    return {
      id: `commit-${index}`,
      parent: index === 0 ? null : `commit-${index - 1}`,
      mergedParent: null,
      mergedFrom: null,
      actor: null,
      authoredAt: index,
      operation: index === 0 ? "init" : "mutate",
      version: index + 1,
      branch: "main",
      position: index,
      generation: index,
      schemaDigest: this.catalog.digest,
    };
  }

  private logged(change: Change, record: CommitRecord, form: Layout): TypeChanges {
    const rows = change.rows ?? [];
    const base = {
      ...NO_CHANGE,
      type: change.type.id,
      replaced: change.replaced ?? false,
      deletedNodes: change.deletedNodes ?? [],
      deletedEdges: change.deletedEdges ?? [],
    };
    if (rows.length === 0) return base;
    if (!form.tailSegments) return { ...base, rows: batchOf(rows, change.type) };
    const id = `tail-${record.id}-${change.type.id}-${form.rowsPerBatch}`;
    return { ...base, segments: [this.segments.write(id, change.type, rows, form.rowsPerBatch)] };
  }

  private checkpoint(form: Layout, checkpointed: number): Map<StableId, TypeState> {
    const types = new Map<StableId, TypeState>();
    const live = replay(this.commits.slice(0, checkpointed));
    for (const type of this.catalog.typeById.values()) {
      const rows = live.get(type.id) ?? new Map<string, Row>();
      const changedAt = this.commits
        .slice(0, checkpointed)
        .findLastIndex((commit) => commit.some((change) => change.type.id === type.id));
      types.set(type.id, {
        type: type.id,
        count: rows.size,
        changedAt: changedAt + 2,
        segments: this.segmentsOf(type, form, checkpointed, rows),
      });
    }
    return types;
  }

  /** Segments of a few commits each; rows that later commits replaced or deleted are dead. */
  private segmentsOf(type: EntityType, form: Layout, checkpointed: number, live: ReadonlyMap<string, Row>) {
    const segments: { segment: SegmentRef; dead: DeadRows }[] = [];
    for (let first = 0; first < checkpointed; first += form.commitsPerSegment) {
      const last = Math.min(checkpointed, first + form.commitsPerSegment);
      const chunk = this.commits
        .slice(first, last)
        .flat()
        .filter((change) => change.type.id === type.id);
      const rows = new Map(chunk.flatMap((change) => change.rows ?? []).map((row) => [keyOf(row), row]));
      if (rows.size === 0) continue;
      const id = `segment-${type.id}-${first}-${last}-${form.rowsPerBatch}`;
      const segment = this.segments.write(id, type, [...rows.values()], form.rowsPerBatch);
      const inOrder = (this.segments.batches.get(id) ?? []).flatMap((batch) => keysOf(batch));
      const dead = inOrder.flatMap((key, i) => (live.get(key) === rows.get(key) ? [] : [i]));
      const deadKey = `dead-${id}-${checkpointed}`;
      this.segments.deadRows.set(deadKey, Uint32Array.from(dead));
      const deadRows: DeadRows =
        dead.length === 0
          ? { kind: "none" }
          : dead.length % 2 === 0
            ? { kind: "rows", rows: Uint32Array.from(dead) }
            : { kind: "object", key: deadKey, count: dead.length };
      segments.push({ segment, dead: deadRows });
    }
    return segments;
  }
}

function keysOf(batch: RowBatch): string[] {
  const decoder = new TextDecoder();
  const text = (column: RowBatch["ids"] | null, row: number) =>
    column === null
      ? null
      : decoder.decode(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]));
  return Array.from({ length: batch.length }, (_, row) =>
    JSON.stringify([text(batch.src, row), text(batch.dst, row), text(batch.ids, row)]),
  );
}
