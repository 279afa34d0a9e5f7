// The one table of outcomes. Every surface (HTTP, CLI for people, CLI --json) renders its errors from here.

/** Wire codes of the error envelope. A closed set: clients match on it. */
export type ErrorCode =
  | "unauthorized"
  | "forbidden"
  | "bad_request"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "too_many_requests"
  | "internal";

interface ErrorKindEntry {
  /** `null` where the contract leaves `code` out of the envelope. */
  readonly code: ErrorCode | null;
  readonly status: number;
  readonly exit: number;
}

const EXIT_FAILURE = 1;
/** Malformed command line. */
export const EXIT_USAGE = 2;
/** Lost compare-and-swap (`mutate --if-commit`); nothing else uses 4. */
export const EXIT_PRECONDITION = 4;
/** Server started without arguments in an unusable environment (sysexits EX_USAGE). */
export const EXIT_CONTAINER_USAGE = 64;

const ERROR_KINDS = {
  bad_request: { code: "bad_request", status: 400, exit: EXIT_FAILURE },
  unauthorized: { code: "unauthorized", status: 401, exit: EXIT_FAILURE },
  forbidden: { code: "forbidden", status: 403, exit: EXIT_FAILURE },
  not_found: { code: "not_found", status: 404, exit: EXIT_FAILURE },
  method_not_allowed: { code: "method_not_allowed", status: 405, exit: EXIT_FAILURE },
  conflict: { code: "conflict", status: 409, exit: EXIT_FAILURE },
  /** History that cleanup reclaimed. */
  gone: { code: null, status: 410, exit: EXIT_FAILURE },
  /** A write precondition (`if-graph-commit`) that no longer holds. */
  precondition_failed: { code: null, status: 412, exit: EXIT_PRECONDITION },
  /** `If-Match` on a blob. */
  etag_mismatch: { code: "conflict", status: 412, exit: EXIT_FAILURE },
  too_large: { code: "bad_request", status: 413, exit: EXIT_FAILURE },
  unsupported_media_type: { code: "bad_request", status: 415, exit: EXIT_FAILURE },
  range_not_satisfiable: { code: "bad_request", status: 416, exit: EXIT_FAILURE },
  external_blob_source: { code: null, status: 424, exit: EXIT_FAILURE },
  too_many_requests: { code: "too_many_requests", status: 429, exit: EXIT_FAILURE },
  /** Storage or the engine failed; never a client's mistake. */
  internal: { code: "internal", status: 500, exit: EXIT_FAILURE },
  /** A part of the contract that this build does not have; refused by name, nothing was done. */
  unsupported: { code: "bad_request", status: 400, exit: EXIT_FAILURE },
  /** Storage cannot tell whether a commit landed, even after reading back. */
  recovery_required: { code: null, status: 503, exit: EXIT_FAILURE },
  /** Malformed command line. */
  usage: { code: "bad_request", status: 400, exit: EXIT_USAGE },
} as const satisfies Record<string, ErrorKindEntry>;

export type ErrorKind = keyof typeof ERROR_KINDS;

export interface MergeConflict {
  readonly entity_kind: "node" | "edge";
  readonly type_name: string;
  readonly entity_id: string | null;
  readonly kind:
    | "divergent_insert"
    | "divergent_update"
    | "delete_vs_update"
    | "orphan_edge"
    | "unique_violation"
    | "cardinality_violation"
    | "value_constraint_violation";
  readonly message: string;
  readonly table_key: string;
  readonly row_id?: string;
}

/** One thing that is wrong with a source text (`.gq`, `.pg`), and where. */
export interface SourceProblem {
  /** As the error's text has it, without the place. */
  readonly message: string;
  /** Both from 1; columns count characters. */
  readonly line: number;
  readonly column: number;
  /** Half-open and never empty: offsets in the UTF-8 bytes of the source. */
  readonly start: number;
  readonly end: number;
}

/** Structured members of the error envelope; each absent when it does not apply. */
export interface ErrorDetails {
  readonly source_errors?: readonly SourceProblem[];
  readonly merge_conflicts?: readonly MergeConflict[];
  readonly manifest_conflict?: {
    readonly table_key: string;
    readonly expected: number;
    readonly actual: number;
  };
  readonly published_dataset_version_conflict?: {
    readonly entity_kind: "node" | "edge";
    readonly type_name: string;
    readonly expected_published_dataset_version: number;
    readonly actual_published_dataset_version: number;
  };
  readonly read_set_conflict?: {
    readonly member: string;
    readonly expected: string | null;
    readonly actual: string | null;
  };
  readonly key_conflict?: {
    readonly entity_kind: "node" | "edge";
    readonly type_name: string;
    readonly entity_id?: string;
  };
  readonly resource_limit?: { readonly resource: string; readonly limit: number; readonly actual: number };
  readonly recovery_required?: { readonly operation_id: string };
  /** Half-open; what a range asked for, of a value that has `length` bytes. */
  readonly blob_range?: {
    readonly start: number | bigint;
    readonly end: number | bigint;
    readonly length: number;
  };
  readonly external_blob_source?: { readonly uri: string; readonly reason: string };
  /** The record of a load that is to blame. */
  readonly load_error?: { readonly line: number; readonly type_name: string };
  readonly precondition_failure?: { readonly expected: string; readonly actual?: string };
  readonly change_feed_gap?: { readonly cursor?: string; readonly first_unreadable_commit_id: string };
  readonly change_diff_refusal?: {
    readonly reason: "parentless_commit" | "schema_boundary";
    readonly graph_commit_id: string;
    readonly type_name?: string;
  };
}

/** The JSON body that HTTP sends and `--json` prints for a failure. */
export interface ErrorEnvelope extends ErrorDetails {
  readonly error: string;
  readonly code?: ErrorCode;
}

export class OmnigraphError extends Error {
  override readonly name = "OmnigraphError";
  constructor(
    readonly kind: ErrorKind,
    message: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get status(): number {
    return ERROR_KINDS[this.kind].status;
  }

  get exitCode(): number {
    return ERROR_KINDS[this.kind].exit;
  }

  /** The wire form; `code` is left out where the contract says so. */
  toEnvelope(): ErrorEnvelope {
    const code = ERROR_KINDS[this.kind].code;
    return code === null
      ? { error: this.message, ...this.details }
      : { error: this.message, code, ...this.details };
  }
}

/** Storage failed, or what is stored is damaged: the text names objects and addresses, which are the operator's business. */
export class StorageError extends OmnigraphError {}

export const badRequest = (message: string, details?: ErrorDetails) =>
  new OmnigraphError("bad_request", message, details);
export const notFound = (message: string) => new OmnigraphError("not_found", message);
export const conflict = (message: string, details?: ErrorDetails) =>
  new OmnigraphError("conflict", message, details);
/** Refuses, by name, a part of the contract that this build does not have. */
export const unsupported = (what: string) =>
  new OmnigraphError("unsupported", `${what} is not supported by this build`);
/** A named limit was passed; the text is what clients match on. */
export const tooLarge = (resource: string, limit: number, actual: number, message?: string) =>
  new OmnigraphError(
    "too_large",
    message ?? `resource limit exceeded for ${resource}: actual ${actual}, limit ${limit}`,
    {
      resource_limit: { resource, limit, actual },
    },
  );

/** A byte range that begins at the end of a value or past it; half-open. */
export const rangeNotSatisfiable = (start: number | bigint, end: number | bigint, length: number) =>
  new OmnigraphError(
    "range_not_satisfiable",
    `blob range [${start}, ${end}) is not satisfiable for a value of length ${length}`,
    { blob_range: { start, end, length } },
  );

/** Wraps whatever was thrown; our own errors pass through unchanged. */
export function toOmnigraphError(thrown: unknown): OmnigraphError {
  if (thrown instanceof OmnigraphError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new OmnigraphError("internal", message, {}, { cause: thrown });
}
