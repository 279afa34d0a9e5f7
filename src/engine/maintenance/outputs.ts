// What maintenance answers, in the shapes and names of `--json` (specs 03 §15 and 06 §11.5).

/** An index that the schema declares and that cannot be built yet. */
export interface PendingIndex {
  readonly property: string;
  readonly reason: string;
}

export interface OptimizedDataset {
  /** `node:<Type>` or `edge:<Type>`. */
  readonly type_key: string;
  /** Segments that were merged, and segments that came of it. */
  readonly fragments_removed: number;
  readonly fragments_added: number;
  readonly committed: boolean;
  readonly skipped: null;
  /** Null where nothing was committed. */
  readonly published_dataset_version: number | null;
  readonly pending_indexes: readonly PendingIndex[];
}

export interface OptimizeOutput {
  readonly uri: string;
  /** Every type, by `type_key`. */
  readonly datasets: readonly OptimizedDataset[];
}

export interface CleanedDataset {
  readonly type_key: string;
  readonly bytes_removed: number;
  /** Expired commits that had changed the type. */
  readonly old_versions_removed: number;
  /** What kept objects of the type from going; the next run tries again. */
  readonly error: string | null;
}

export interface CleanupOutput {
  readonly uri: string;
  readonly keep_versions: number | null;
  readonly older_than_secs: number | null;
  /** Every type, by `type_key`. */
  readonly datasets: readonly CleanedDataset[];
  /** Commits of all branches whose state became unreadable. */
  readonly commits_expired: number;
  /** Of all objects, also of those that belong to no type. */
  readonly bytes_removed: number;
  /** Nothing happened: this is what would go. */
  readonly preview?: boolean;
}

/** How sound the data of a type is: all of it, all but what can be made again, not, or nobody can tell. */
export type Classification = "no_drift" | "verified_maintenance" | "suspicious" | "unverifiable";
export type RepairAction = "no_op" | "preview" | "healed" | "forced" | "refused";

export interface CheckedDataset {
  readonly type_key: string;
  readonly published_dataset_version: number;
  readonly classification: Classification;
  readonly action: RepairAction;
  /** What was found, in words. */
  readonly operations: readonly string[];
  /** Why what should have been done was not. */
  readonly error: string | null;
}

export interface RepairOutput {
  readonly uri: string;
  readonly confirm: boolean;
  readonly force: boolean;
  /** Of the commit that repair published on main; null where it published none. */
  readonly graph_manifest_version: number | null;
  /** Every type, by `type_key`. */
  readonly datasets: readonly CheckedDataset[];
}
