// The door of the engine: what a graph can do. Server, cluster and CLI call this and nothing behind it.

import type { EmbeddingEvent, EmbeddingProfile } from "../embedding/index.ts";
import type { ExternalBlobBase } from "../lib/external-uri.ts";
import type { JsonValue } from "../lib/json.ts";
import type { Ports } from "../lib/ports.ts";
import type { QueryPlan } from "../query/plan.ts";
import type { Catalog } from "../schema/catalog.ts";
import type { StorageAdapter } from "../storage/adapter.ts";
import type {
  BranchCreateOutput,
  BranchDeleteOutput,
  BranchMergeOutput,
  ChangeFeedOutput,
  CommitChangesOutput,
  CommitListOutput,
  CommitOutput,
  LoadMode,
  LoadOutput,
  MutationOutput,
  ReadResult,
  SchemaApplyOutput,
  SchemaPlanOutput,
  SnapshotOutput,
} from "./outputs.ts";

/** An action of spec 07 A4 that the engine's gate asks about. */
export interface AuthorizationRequest {
  readonly action: "change" | "schema_apply" | "branch_create" | "branch_delete" | "branch_merge";
  readonly branch?: string;
  readonly targetBranch?: string;
}

/** Throws OmnigraphError (`forbidden`, or `internal` when the evaluation itself failed) to refuse. */
export type EngineGate = (actor: string | null, request: AuthorizationRequest) => void;

export interface GraphOptions {
  readonly storage: StorageAdapter;
  readonly ports: Ports;
  /** Asked at the head of every mutating call; without one nothing is asked (embedded use). */
  readonly gate?: EngineGate;
  /** The branch that the caller is about to use (`main` without): what opening needs of it is fetched beside the rest. */
  readonly branch?: string;
  /** True where the caller is about to write: whether the store keeps conditional puts is asked beside the first reads. */
  readonly forWriting?: boolean;
  /** True where this process lives on (a server): builds indexes and checkpoints in the background. */
  readonly resident?: boolean;
  /** Milliseconds for which a known head is taken as current without asking storage; 0 asks every time. */
  readonly readStalenessMs?: number;
  /** Milliseconds after which a query is stopped; 0 or none: it may take as long as it takes. */
  readonly queryTimeoutMs?: number;
  /** The provider that turns a query's text into a vector; without one the environment names it. */
  readonly embedding?: EmbeddingProfile | null;
  /** Told of every call to that provider. */
  readonly onEmbedding?: (event: EmbeddingEvent) => void;
  /** Told why the preparation of later reads failed; the reads themselves do without it. */
  readonly onWarmUpFailure?: (error: unknown) => void;
  /** Where the objects lie that new Blob references may name; without any, such references are refused. */
  readonly externalBlobs?: readonly ExternalBlobBase[];
}

/** Which state a read sees: a branch's head (default `main`) or one commit. Both given: 400. */
export interface ReadSelector {
  readonly branch?: string;
  readonly snapshot?: string;
}

export interface QueryRequest extends ReadSelector {
  readonly source: string;
  readonly name?: string;
  readonly params?: JsonValue;
  readonly signal?: AbortSignal;
  /** Tell, beside the rows, how they were found. */
  readonly explain?: boolean;
}

export interface MutateRequest {
  readonly source: string;
  readonly name?: string;
  readonly params?: JsonValue;
  readonly branch?: string;
  readonly actor: string | null;
  /** Run only while the branch head is this commit; else 412. */
  readonly ifCommit?: string;
}

/** `strict` holds NDJSON to the letter (spec 03 §8); the deprecated `permissive` forgives much (§9). */
export type LoadReader = "strict" | "permissive";

export interface LoadRequest {
  /** Bytes of records in chunks of any size, from the start; called again when the load lost a race and is prepared anew. */
  readonly data: () => AsyncIterable<Uint8Array>;
  readonly mode: LoadMode;
  /** `strict` without. */
  readonly reader?: LoadReader;
  readonly branch?: string;
  /** Base to fork from where the branch is missing. */
  readonly from?: string;
  readonly actor: string | null;
  /** Called now and then with the rows read so far. */
  readonly onProgress?: (rows: number) => void;
}

/** Which cell of a state. */
export interface BlobAddress {
  readonly entity: "node" | "edge";
  readonly type: string;
  readonly id: string;
  readonly property: string;
}

export interface BlobSelector extends ReadSelector, BlobAddress {}

/** Half-open bytes; without an end up to that of the value, and an end past it is cut. */
export interface BlobRange {
  readonly start: number | bigint;
  readonly end?: number | bigint;
}

/** What is known of a Blob cell at one commit without reading it. */
export type BlobStat =
  | {
      readonly kind: "managed";
      readonly size: number;
      /** A strong entity tag, quotes included; equal bytes have the same one everywhere. */
      readonly etag: string;
      readonly snapshot: string;
    }
  | { readonly kind: "external"; readonly uri: string; readonly snapshot: string };

export type BlobCell =
  | (Extract<BlobStat, { kind: "managed" }> & {
      /** Chunks of at most 4 MiB; a damaged value throws. Throws 416 for a range that begins past the value. */
      read(range?: BlobRange): AsyncIterable<Uint8Array>;
      /** Where the bytes stand as a file of this machine, for who sends files without holding them; nothing is said of their soundness. */
      readonly file?: string;
    })
  | Extract<BlobStat, { kind: "external" }>;

export interface ExportRequest extends ReadSelector {
  readonly typeNames?: readonly string[];
}

export interface MergeRequest {
  readonly source: string;
  readonly target?: string;
  readonly deleteBranch?: boolean;
  readonly actor: string | null;
}

export interface SchemaApplyRequest {
  readonly source: string;
  readonly allowDataLoss?: boolean;
  readonly actor: string | null;
  /**
   * When the caller set out, in ms; without it that is this call. Another schema change that came since counts as one
   * that the caller did not know of, also where it landed before this call looked.
   */
  readonly since?: number;
  /** Stored queries that must still check against the new catalog. */
  readonly checkCatalog?: (catalog: Catalog) => void;
  /** Told, once the schema was applied, which rename hints had no effect and what did not go as it should. */
  readonly onWarning?: (message: string) => void;
}

/** Which entity changes are wanted: within a dimension any of the values, between dimensions all. */
export interface ChangeFilters {
  /** `node`, `edge`; anything else is refused. */
  readonly kinds?: readonly string[];
  /** Type names; one that does not exist matches nothing. */
  readonly types?: readonly string[];
  /** `insert`, `update`, `delete`; anything else is refused. */
  readonly ops?: readonly string[];
}

export interface CommitChangesRequest extends ChangeFilters {
  readonly commit: string;
  /** Of an earlier page of the same commit with the same filters. */
  readonly pageToken?: string;
  /** Changes a page; 1,000 without. */
  readonly limit?: number;
}

/** At most one of `cursor`, `start` and `pageToken`; without any the feed starts now. */
export interface ChangeFeedRequest extends ChangeFilters {
  readonly branch?: string;
  readonly cursor?: string;
  /** `now`, `beginning` or `after:<commit id>`. */
  readonly start?: string;
  readonly pageToken?: string;
  readonly limit?: number;
}

export interface ChangeBaselineRequest extends ChangeFilters {
  readonly branch?: string;
}

/** Without `limit` everything; without `cursor` from the head on. */
export interface CommitListRequest {
  readonly branch?: string;
  readonly limit?: number;
  /** `next_cursor` of the page before. */
  readonly cursor?: string;
}

export interface Graph {
  /** Where it is kept, as shown to people. */
  readonly uri: string;

  query(request: QueryRequest): Promise<ReadResult>;
  mutate(request: MutateRequest): Promise<MutationOutput>;
  /** One call is one commit or nothing. */
  load(request: LoadRequest): Promise<LoadOutput>;
  /** Chunks of at most 64 KiB of NDJSON. Everything refusable is refused before the first chunk. */
  export(request: ExportRequest): Promise<AsyncIterable<Uint8Array>>;
  snapshot(selector: ReadSelector): Promise<SnapshotOutput>;
  /** One Blob cell. Throws 400 for what is no Blob property, 404 for a missing entity and for a null. */
  openBlob(selector: BlobSelector): Promise<BlobCell>;

  /** The catalog of a state; at the head of `main` without a selector. */
  catalog(selector?: ReadSelector): Promise<Catalog>;
  planSchema(source: string, allowDataLoss?: boolean): Promise<SchemaPlanOutput>;
  applySchema(request: SchemaApplyRequest): Promise<SchemaApplyOutput>;
  /** Parses and checks a query against the head of `main` without running it. */
  prepare(source: string, name?: string): Promise<QueryPlan>;

  /** Sorted by bytes; `main` in its place. */
  branches(): Promise<readonly string[]>;
  branchExists(name: string): Promise<boolean>;
  createBranch(request: { name: string; from?: string; actor: string | null }): Promise<BranchCreateOutput>;
  deleteBranch(request: { name: string; actor: string | null }): Promise<BranchDeleteOutput>;
  merge(request: MergeRequest): Promise<BranchMergeOutput>;

  /** First-parent chain of the branch (default `main`), newest first. */
  commits(branch?: string): Promise<readonly CommitOutput[]>;
  /** The same from the head or from below a cursor on, at most `limit` of them. */
  commitPage(request: CommitListRequest): Promise<CommitListOutput>;
  /** Searches all live branches; 404 where unknown. */
  commit(id: string): Promise<CommitOutput>;

  /** What a commit changed against its first parent, one page. 410 where cleanup reclaimed what that takes. */
  commitChanges(request: CommitChangesRequest): Promise<CommitChangesOutput>;
  /** What the commits of a branch changed since a cursor, one page. */
  pollChanges(request: ChangeFeedRequest): Promise<ChangeFeedOutput>;
  /** The head as NDJSON, like export, and as the last line the cursor from which the feed goes on. */
  captureBaseline(request: ChangeBaselineRequest): Promise<AsyncIterable<Uint8Array>>;

  /** Waits for background work (checkpoints, indexes) and lets go of memory. */
  close(): Promise<void>;
}
