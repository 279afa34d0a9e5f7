// The entities of one type that a commit names, by id. A large commit is never held whole where its rows are sorted by id
// as nodes are: segments are read batch by batch, from the id on at which a page begins.

import type { View } from "../../index/view.ts";
import { partitionPoint } from "../../lib/partition-point.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { EdgeType, EntityType, NodeType } from "../../schema/catalog.ts";
import { type RowBatch, rowAt, type SegmentReader, textAt } from "../../store/index.ts";
import type { DeletedEdge, Row, SegmentRef, TypeChanges } from "../../store/types.ts";
import { addedBatches } from "../added-rows.ts";
import { LOOKUP_ENTITIES } from "./limits.ts";

export interface NamedEntity {
  readonly id: string;
  /** Of an edge: every (src, dst, id) at which it stood or stands. */
  readonly places: readonly DeletedEdge[];
  /** Its row after the commit; null where the commit left none. */
  readonly after: Row | null;
}

/** What a commit did to one type, and the state that it did it to. */
export interface TypeNaming<T extends EntityType = EntityType> {
  readonly type: T;
  readonly change: TypeChanges;
  readonly parent: View;
  readonly source: SegmentReader;
}

/** Entities in pieces, ascending by id. */
type Run = AsyncIterable<readonly NamedEntity[]>;

/** Ascending by the bytes of ids, from an id on, each id once; in pieces that are worth one lookup. */
export function namedEntities(naming: TypeNaming, from: string): Run {
  const { type } = naming;
  return mergeById(
    type.kind === "node" ? nodeRuns({ ...naming, type }, from) : edgeRuns({ ...naming, type }, from),
  );
}

function nodeRuns(naming: TypeNaming<NodeType>, from: string): Run[] {
  const { change, source, type } = naming;
  const inline = change.rows;
  return [
    deletedNodes(naming, from),
    ...(inline === null ? [] : [piecesOf(inline, type, from)]),
    ...change.segments.map((segment) => nodesOfSegment(source, segment, type, from)),
  ];
}

async function* deletedNodes({ type, change, parent }: TypeNaming<NodeType>, from: string): Run {
  const ids = change.deletedNodes.filter((id) => compareUtf8(id, from) >= 0);
  if (change.replaced) {
    await parent.load([type]);
    const reader = parent.nodes(type);
    for (const node of reader.all()) {
      const id = reader.id(node);
      if (compareUtf8(id, from) >= 0) ids.push(id);
    }
  }
  yield ids.sort(compareUtf8).map((id) => ({ id, places: [], after: null }));
}

async function* nodesOfSegment(
  source: SegmentReader,
  segment: SegmentRef,
  type: NodeType,
  from: string,
): Run {
  for (const [place, { greatest }] of segment.batches.entries()) {
    if (compareUtf8(greatest, from) < 0) continue;
    for (const batch of await source.readSegmentBatches(segment, [place])) yield* piecesOf(batch, type, from);
  }
}

/** The nodes of a sorted batch, a few at a time: a page seldom takes them all. */
async function* piecesOf(batch: RowBatch, type: NodeType, from: string): Run {
  for (let start = firstAtOrAfter(batch, from); start < batch.length; start += LOOKUP_ENTITIES) {
    const length = Math.min(LOOKUP_ENTITIES, batch.length - start);
    yield Array.from({ length }, (_, i) => {
      const after = rowAt(batch, start + i, type);
      return { id: after.id, places: [], after };
    });
  }
}

function firstAtOrAfter({ ids, length }: RowBatch, id: string): number {
  return partitionPoint(0, length, (row) => compareUtf8(textAt(ids, row), id) < 0);
}

function edgeRuns(naming: TypeNaming<EdgeType>, from: string): Run[] {
  return [deletedEdges(naming, from), addedEdges(naming, from)];
}

async function* deletedEdges({ type, change, parent }: TypeNaming<EdgeType>, from: string): Run {
  const places = change.deletedEdges.filter(({ id }) => compareUtf8(id, from) >= 0);
  if (change.replaced) {
    await parent.load([type, type.source, type.target]);
    const reader = parent.edges(type);
    for (const edge of reader.all()) {
      const id = reader.id(edge);
      if (compareUtf8(id, from) < 0) continue;
      const src = parent.nodes(type.source).id(reader.source(edge));
      places.push({ src, dst: parent.nodes(type.target).id(reader.target(edge)), id });
    }
  }
  yield places
    .sort((a, b) => compareUtf8(a.id, b.id))
    .map((place) => ({ id: place.id, places: [place], after: null }));
}

/** Edges are stored by their ends, so that all of the commit's are gathered before the first is known. */
async function* addedEdges({ type, change, source }: TypeNaming<EdgeType>, from: string): Run {
  const found: { readonly id: string; readonly batch: RowBatch; readonly row: number }[] = [];
  for await (const batch of addedBatches(source, change)) {
    for (let row = 0; row < batch.length; row++) {
      const id = textAt(batch.ids, row);
      if (compareUtf8(id, from) >= 0) found.push({ id, batch, row });
    }
  }
  found.sort((a, b) => compareUtf8(a.id, b.id));
  for (let start = 0; start < found.length; start += LOOKUP_ENTITIES) {
    yield found.slice(start, start + LOOKUP_ENTITIES).map(({ id, batch, row }) => {
      const after = rowAt(batch, row, type);
      return { id, places: [{ src: after.src ?? "", dst: after.dst ?? "", id }], after };
    });
  }
}

/** The next entities of one run. */
class RunHead {
  private piece: readonly NamedEntity[] = [];
  private at = 0;
  private readonly pieces: AsyncIterator<readonly NamedEntity[]>;

  constructor(run: Run) {
    this.pieces = run[Symbol.asyncIterator]();
  }

  get entity(): NamedEntity | null {
    return this.piece[this.at] ?? null;
  }

  /** Moves on where the piece at hand is used up. */
  async fill(): Promise<void> {
    while (this.at === this.piece.length) {
      const next = await this.pieces.next();
      if (next.done === true) return;
      this.piece = next.value;
      this.at = 0;
    }
  }

  advance(): void {
    this.at++;
  }
}

async function* mergeById(runs: readonly Run[]): Run {
  const heads = runs.map((run) => new RunHead(run));
  let merged: NamedEntity[] = [];
  for (;;) {
    for (const head of heads) if (head.entity === null) await head.fill();
    const least = leastOf(heads);
    if (least === null) break;
    merged.push(takeAll(heads, least));
    if (merged.length < LOOKUP_ENTITIES) continue;
    yield merged;
    merged = [];
  }
  if (merged.length > 0) yield merged;
}

function leastOf(heads: readonly RunHead[]): string | null {
  let least: string | null = null;
  for (const { entity } of heads) {
    if (entity !== null && (least === null || compareUtf8(entity.id, least) < 0)) least = entity.id;
  }
  return least;
}

/** All that the runs say about an id: one may tell where an edge stood, another where it stands. */
function takeAll(heads: readonly RunHead[], id: string): NamedEntity {
  const places: DeletedEdge[] = [];
  let after: Row | null = null;
  for (const head of heads) {
    for (let { entity } = head; entity?.id === id; { entity } = head) {
      places.push(...entity.places);
      after ??= entity.after;
      head.advance();
    }
  }
  return { id, places, after };
}
