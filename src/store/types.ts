// The values that a graph's history is made of. All immutable.

import type { Texts } from "../lib/text-set.ts";
import type { Value } from "../query/plan.ts";
import type { Catalog, StableId } from "../schema/catalog.ts";
import type { RowBatch } from "./column.ts";

export type CommitId = string;
export type BranchId = string;

export type Operation = "init" | "load" | "mutate" | "merge" | "schema_apply" | "optimize" | "repair";

/** One entry of one branch's log. */
export interface LogPlace {
  readonly branch: BranchId;
  readonly position: number;
}

/** Where a merged parent stands, and how its own history is found when its branch is deleted. */
export interface MergedFrom extends LogPlace {
  /** The branch whose head it was; null where a build merged it that did not note this yet. */
  readonly ref: BranchRef | null;
}

export interface CommitRecord {
  readonly id: CommitId;
  readonly parent: CommitId | null;
  readonly mergedParent: CommitId | null;
  /** Where the merged parent stands, so that it is found without a search; null when there is none. */
  readonly mergedFrom: MergedFrom | null;
  readonly actor: string | null;
  /** Microseconds since the epoch, minted once, before any effect. */
  readonly authoredAt: number;
  readonly operation: Operation;
  /** Position on the first-parent chain; genesis is 1. */
  readonly version: number;
  /** Above those of both parents; genesis is 1. */
  readonly generation: number;
  /** Where it stands: the branch whose log holds it, and the position there (genesis: main, 0). */
  readonly branch: BranchId;
  readonly position: number;
  readonly schemaDigest: string;
}

export interface BatchRef {
  /** Byte range of the encapsulated Arrow message in the segment file. */
  readonly offset: number;
  readonly length: number;
  readonly rows: number;
  /** Least and greatest id (node types) or src (edge types) in the batch. */
  readonly least: string;
  readonly greatest: string;
  /** CRC-32 of the byte range, compared on every read. */
  readonly crc: number;
}

/** An immutable Arrow IPC file of one type's rows: nodes sorted by id, edges by (src, dst, id), all by UTF-8 bytes. */
export interface SegmentRef {
  readonly id: string;
  readonly type: StableId;
  readonly rows: number;
  readonly bytes: number;
  /** Properties that have a column in the file. */
  readonly columns: readonly StableId[];
  /** Physical layout of each of `columns` (`utf8`, `i64`, `vector(3)`, `list<utf8>`): readable without any schema. */
  readonly layouts: readonly string[];
  readonly batches: readonly BatchRef[];
  /** CRC-32 of the whole file, what stands around the batches included; left out in references of older builds. */
  readonly crc?: number;
}

export interface DeletedEdge {
  readonly src: string;
  readonly dst: string;
  readonly id: string;
}

/**
 * What a commit did to one type, in this order: `replaced` empties it, `deleted` removes entities, `rows` and `segments`
 * add them. An added node replaces the older row of its id; an added edge that of its (src, dst, id).
 */
export interface TypeChanges {
  readonly type: StableId;
  readonly replaced: boolean;
  readonly deletedNodes: readonly string[];
  readonly deletedEdges: readonly DeletedEdge[];
  /** Inline rows (a small write is one object), sorted as in a segment; null for none. */
  readonly rows: RowBatch | null;
  readonly segments: readonly SegmentRef[];
}

export interface LoggedCommit {
  readonly record: CommitRecord;
  readonly changes: readonly TypeChanges[];
}

/** One type at a checkpoint. */
export interface TypeState {
  readonly type: StableId;
  /** Live entities. */
  readonly count: number;
  /** `version` of the last commit that changed the type. */
  readonly changedAt: number;
  readonly segments: readonly { readonly segment: SegmentRef; readonly dead: DeadRows }[];
}

/** Rows of a segment that are dead, ascending; `object` when too many to sit in the checkpoint. */
export type DeadRows =
  | { readonly kind: "none" }
  | { readonly kind: "rows"; readonly rows: Uint32Array }
  | { readonly kind: "object"; readonly key: string; readonly count: number };

export interface Checkpoint {
  readonly branch: BranchId;
  readonly position: number;
  readonly head: CommitRecord;
  readonly types: ReadonlyMap<StableId, TypeState>;
  readonly history: PackedHistory;
}

/** What a checkpoint remembers of the commits up to it, so that history and time travel need not read every entry. */
export interface PackedHistory {
  /** Commits since the pack began, oldest first, up to and with the checkpoint's head. */
  readonly commits: readonly CommitRecord[];
  /** Positions of earlier checkpoints of the lineage within the pack, ascending. */
  readonly earlier: readonly number[];
  /** Checkpoints that hold the older, full packs, oldest first. */
  readonly packs: readonly Pack[];
}

export interface Pack {
  /** Position of the checkpoint that holds it. */
  readonly position: number;
  /** Least and greatest id of its commits; null where the checkpoint does not tell. */
  readonly ids: IdRange | null;
  readonly firstVersion: number;
  readonly lastVersion: number;
}

export interface IdRange {
  readonly least: CommitId;
  readonly greatest: CommitId;
}

export interface BranchRef {
  readonly name: string;
  readonly id: BranchId;
  /** Oldest first: the logs that the branch inherits, each up to and with `until`. Empty for main. */
  readonly lineage: readonly Inherited[];
}

export interface Inherited {
  readonly branch: BranchId;
  /** Its name, which cannot change hands while this branch lives. */
  readonly name: string;
  readonly until: number;
}

/** A branch, or any commit on it, as one immutable value: a checkpoint and the commits since. */
export interface BranchState {
  readonly ref: BranchRef;
  /** Log position of the newest entry (of this branch's log, or inherited). */
  readonly position: number;
  readonly head: CommitRecord;
  readonly catalog: Catalog;
  readonly checkpoint: Checkpoint;
  /** Commits after the checkpoint, oldest first. */
  readonly tail: readonly LoggedCommit[];
}

/** One entity by value; `values` in the order of the type's `properties` in the catalog at hand. */
export interface Row {
  readonly id: string;
  /** Edges only. */
  readonly src: string | null;
  readonly dst: string | null;
  readonly values: readonly Value[];
}

/** What a write relied on. Another commit that touches any of it makes the write prepare again. */
export interface ReadSet {
  /** Types that were scanned. */
  readonly types: ReadonlySet<StableId>;
  /** Entities looked up or relied on to exist (or not), by type. */
  readonly ids: ReadonlyMap<StableId, Texts>;
  /** Tuples claimed under a unique constraint: key `<type id>:<property names joined by NUL>`, value the tuple's JSON. */
  readonly unique: ReadonlyMap<string, Texts>;
  /** Nodes whose edges of a type were counted or cascaded, by edge type: any added or deleted edge at them counts. */
  readonly incident: ReadonlyMap<StableId, Texts>;
}

/** A commit that is ready but for its place in the log. */
export interface Draft {
  readonly id: CommitId;
  readonly actor: string | null;
  readonly authoredAt: number;
  readonly operation: Operation;
  readonly mergedParent: CommitId | null;
  /** The state whose head is the merged parent; null or left out when there is none. */
  readonly mergedFrom?: Pick<BranchState, "ref" | "head"> | null;
  /** The accepted schema's text when the commit changes the schema (`digest` is its SHA-256), else null. */
  readonly schema: { readonly digest: string; readonly accepted: string; readonly catalog: Catalog } | null;
  readonly changes: readonly TypeChanges[];
  readonly reads: ReadSet;
}
