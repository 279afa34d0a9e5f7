// What a graph answers, in the shapes and names that HTTP and `--json` carry (specs 03, 04, 06). The engine makes
// them, the server and the CLI print them, the HTTP client parses them: one definition for all.

import type { JsonObject, JsonValue } from "../lib/json.ts";

export interface CommitOutput {
  readonly graph_commit_id: string;
  /** Null means `main`. */
  readonly graph_branch: string | null;
  /** Position on the first-parent chain; genesis is 1. */
  readonly graph_manifest_version: number;
  readonly parent_commit_id: string | null;
  readonly merged_parent_commit_id: string | null;
  readonly actor_id: string | null;
  /** Microseconds since the Unix epoch. */
  readonly created_at: number;
  /** What made it. */
  readonly operation: CommitOperation;
}

export type CommitOperation = "init" | "load" | "mutate" | "merge" | "schema_apply" | "optimize" | "repair";

export interface CommitListOutput {
  /** Newest first. */
  readonly commits: readonly CommitOutput[];
  /** Where the next page begins; left out on the last one. */
  readonly next_cursor?: string;
}

export interface ReadTarget {
  readonly branch: string | null;
  readonly snapshot: string | null;
}

/** Rows of a read, kept in columns until somebody asks for text or objects. */
export interface ReadResult {
  readonly queryName: string;
  readonly target: ReadTarget;
  readonly columns: readonly string[];
  readonly rowCount: number;
  readonly graphCommitId: string | null;
  /** The JSON text of the array of row objects; 64-bit integers with all their digits. */
  rowsJson(): string;
  /** The same rows as values, for tables and tests. */
  rows(): JsonObject[];
  /** How the rows were found, where the request asked. */
  readonly plan?: PlanOutput;
}

/** One operator of a physical plan, with what was expected of it and what it left. */
export interface PlanStepOutput {
  readonly operator: string;
  readonly detail: string;
  /** By which way it came to its rows; left out where it only works on the rows before it. */
  readonly access?: string;
  readonly estimated_rows: number;
  readonly actual_rows: number;
  /** Rows that a scan or lookup looked at, to find those. */
  readonly scanned_rows?: number;
  /** How many solutions the rows stand for, where that is not one each. */
  readonly solutions?: number;
  /** Of an anti join: the steps that looked for what must not be there. */
  readonly steps?: readonly PlanStepOutput[];
}

/** How a read was carried out: its operators in the order in which they ran. */
export interface PlanOutput {
  readonly query_name: string;
  /** Whether whole types were in memory, or single rows were looked up in storage. */
  readonly tables: "in memory" | "looked up";
  readonly steps: readonly PlanStepOutput[];
}

export interface MutationOutput {
  readonly branch: string;
  readonly query_name: string;
  readonly affected_nodes: number;
  readonly affected_edges: number;
  readonly actor_id: string | null;
  readonly commit: CommitOutput | null;
}

export type LoadMode = "overwrite" | "append" | "merge";

export interface LoadedType {
  readonly name: string;
  readonly entities_loaded: number;
}

export interface LoadOutput {
  readonly branch: string;
  readonly base_branch: string | null;
  readonly branch_created: boolean;
  readonly mode: LoadMode;
  readonly nodes: readonly LoadedType[];
  readonly edges: readonly LoadedType[];
  readonly total_entities: number;
  readonly actor_id: string | null;
  readonly commit: CommitOutput | null;
}

export interface SnapshotDataset {
  readonly entity_kind: "node" | "edge";
  readonly type_name: string;
  readonly dataset_path: string;
  readonly published_dataset_version: number;
  readonly native_dataset_branch: null;
  readonly entity_count: number;
}

export interface SnapshotOutput {
  readonly graph_branch: string;
  readonly graph_manifest_version: number;
  readonly internal_schema_version: number;
  readonly datasets: readonly SnapshotDataset[];
  /** The commit that was described. */
  readonly graph_commit_id: string;
}

export interface BranchCreateOutput {
  readonly uri: string;
  readonly from: string;
  readonly name: string;
  readonly actor_id: string | null;
}

export interface BranchDeleteOutput {
  readonly uri: string;
  readonly name: string;
  readonly actor_id: string | null;
}

export type MergeOutcome = "already_up_to_date" | "fast_forward" | "merged";

export interface BranchMergeOutput {
  readonly source: string;
  readonly target: string;
  readonly outcome: MergeOutcome;
  readonly actor_id: string | null;
  readonly branch_deleted?: boolean;
  readonly branch_delete_error?: string;
}

export interface SchemaPlanOutput {
  readonly supported: boolean;
  readonly steps: readonly JsonObject[];
  /** Rename hints without effect, one sentence each. */
  readonly warnings: readonly string[];
}

export interface SchemaApplyOutput {
  readonly uri: string;
  readonly supported: boolean;
  readonly applied: boolean;
  readonly step_count: number;
  readonly graph_manifest_version: number;
  readonly steps: readonly JsonObject[];
}

/** Why a commit changed what it changed (spec 03 §12). Members without a value are left out. */
export interface ChangeCause {
  readonly graph_commit_id: string;
  readonly parent_commit_id?: string;
  readonly merged_parent_commit_id?: string;
  /** The branch that the commit landed on, `main` spelled out. */
  readonly authored_branch: string;
  readonly actor_id?: string;
  /** Microseconds since the Unix epoch. */
  readonly authored_at: number;
}

export type ChangeOp = "insert" | "update" | "delete";

/** A whole entity before or after a commit; its id stands beside it. */
export interface ChangeImage {
  readonly properties: JsonObject;
  /** Edges only. */
  readonly endpoints?: { readonly from: string; readonly to: string };
}

export interface EntityChange {
  readonly kind: "node" | "edge";
  /** `id` is opaque: it survives a rename, and a type that was dropped and made again has another. */
  readonly type: { readonly id: string; readonly name: string };
  readonly id: string;
  readonly op: ChangeOp;
  readonly before?: ChangeImage;
  readonly after?: ChangeImage;
}

/** What one commit changed. */
export interface ChangeBlock {
  readonly cause: ChangeCause;
  readonly changes: readonly EntityChange[];
}

export interface CommitChangesOutput extends ChangeBlock {
  /** Left out on the last page. */
  readonly next_page_token?: string;
}

/** Ends either within a block, with a page token, or after one, with a cursor. */
export interface ChangeFeedOutput {
  readonly blocks: readonly ChangeBlock[];
  readonly next_page_token?: string;
  readonly cursor?: string;
  readonly caught_up?: boolean;
}

/** The last record of a baseline. */
export interface ChangeBaselineOutput {
  readonly snapshot_commit_id: string;
  readonly resume_cursor: string;
}

export type { JsonObject, JsonValue };
