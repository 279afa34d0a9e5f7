// Shapes that several routes share: the error envelope and the outputs that appear inside others.

import {
  anyObject,
  either,
  integer,
  list,
  named,
  nullable,
  object,
  omittable,
  oneOf,
  optional,
  text,
} from "./schema-kit.ts";

/** `?branch=`: the default is `main`. */
export const branchParameter = optional(text("Branch name; `main` when left out."));

export const EntityKind = named("EntityKindOutput", oneOf(["node", "edge"]));

export const ErrorCode = named(
  "ErrorCode",
  oneOf([
    "unauthorized",
    "forbidden",
    "bad_request",
    "not_found",
    "method_not_allowed",
    "conflict",
    "too_many_requests",
    "internal",
  ]),
);

export const ResourceLimitOutput = object("ResourceLimitOutput", {
  resource: text(),
  limit: integer(),
  actual: integer(),
});

export const RecoveryRequiredOutput = object("RecoveryRequiredOutput", {
  operation_id: text("Candidate commit id; `GET /commits/{id}` tells later whether it landed."),
});

export const ChangeFeedGapOutput = object("ChangeFeedGapOutput", {
  cursor: omittable(text("The cursor that the caller came with.")),
  first_unreadable_commit_id: text(),
});

export const ChangeDiffRefusalOutput = object("ChangeDiffRefusalOutput", {
  reason: named("ChangeDiffRefusalReason", oneOf(["parentless_commit", "schema_boundary", "unknown"])),
  graph_commit_id: text(),
  type_name: omittable(text("The type whose schema changed.")),
});

const MergeConflictOutput = object("MergeConflictOutput", {
  entity_kind: EntityKind,
  type_name: text(),
  entity_id: nullable(text()),
  kind: named(
    "MergeConflictKindOutput",
    oneOf([
      "divergent_insert",
      "divergent_update",
      "delete_vs_update",
      "orphan_edge",
      "unique_violation",
      "cardinality_violation",
      "value_constraint_violation",
    ]),
  ),
  message: text(),
  table_key: text("Older spelling: `node:<type>` or `edge:<type>`."),
  row_id: omittable(text("Older spelling of `entity_id`.")),
});

export const ErrorOutput = object(
  "ErrorOutput",
  {
    error: text("What was wrong, for people."),
    code: omittable(ErrorCode),
    merge_conflicts: omittable(list(MergeConflictOutput)),
    manifest_conflict: omittable(
      object("ManifestConflictOutput", { table_key: text(), expected: integer(), actual: integer() }),
    ),
    published_dataset_version_conflict: omittable(
      object("PublishedDatasetVersionConflictOutput", {
        entity_kind: EntityKind,
        type_name: text(),
        expected_published_dataset_version: integer(),
        actual_published_dataset_version: integer(),
      }),
    ),
    read_set_conflict: omittable(
      object("ReadSetConflictOutput", {
        member: text("`graph_head:<branch>` for a lost race of writes."),
        expected: nullable(text()),
        actual: nullable(text()),
      }),
    ),
    key_conflict: omittable(
      object("KeyConflictOutput", {
        entity_kind: EntityKind,
        type_name: text(),
        entity_id: omittable(text()),
      }),
    ),
    resource_limit: omittable(ResourceLimitOutput),
    blob_range: omittable(
      object("BlobRangeOutput", {
        start: integer("First byte that was asked for."),
        end: integer("The byte after the last one."),
        length: integer("Bytes of the value."),
      }),
    ),
    external_blob_source: omittable(object("ExternalBlobSourceOutput", { uri: text(), reason: text() })),
    recovery_required: omittable(RecoveryRequiredOutput),
    load_error: omittable(
      object("LoadErrorOutput", {
        line: integer("Line of the batch that is to blame, blank ones counted."),
        type_name: text(),
      }),
    ),
    precondition_failure: omittable(
      object("PreconditionFailureOutput", {
        expected: text("Commit id that the caller named."),
        actual: omittable(text("Head of the branch.")),
      }),
    ),
    change_feed_gap: omittable(ChangeFeedGapOutput),
    change_diff_refusal: omittable(ChangeDiffRefusalOutput),
    source_errors: omittable(
      list(
        object("SourceErrorOutput", {
          message: text("As in `error`, without the place."),
          line: integer("From 1."),
          column: integer("From 1, in characters."),
          start: integer("First byte of the text that is wrong, from 0."),
          end: integer("The byte after the last one."),
        }),
        "Each thing that is wrong with a query or a schema, in the order of the text.",
      ),
    ),
  },
  { description: "The body of every answer that is not a success." },
);

export const CommitOutput = object("CommitOutput", {
  graph_commit_id: text("ULID."),
  graph_branch: nullable(text("Branch it was authored on; null is `main`.")),
  graph_manifest_version: integer("Position on its branch's first-parent chain; genesis is 1."),
  parent_commit_id: nullable(text()),
  merged_parent_commit_id: nullable(text()),
  actor_id: nullable(text()),
  created_at: integer("Microseconds since the Unix epoch."),
  operation: named(
    "CommitOperation",
    oneOf(["init", "load", "mutate", "merge", "schema_apply", "optimize", "repair"]),
  ),
});

const readMembers = {
  query_name: text("The query that ran."),
  target: object("ReadTargetOutput", { branch: nullable(text()), snapshot: nullable(text()) }),
  row_count: integer(),
  columns: omittable(list(text(), "Names in order; left out only when there are none.")),
  rows: list(
    {
      schema: { type: "object", additionalProperties: true },
      required: true,
      components: [],
      read: (row) => row,
    },
    "One object per row, members in the order of columns.",
  ),
};

const PlanStepOutput = object("PlanStepOutput", {
  operator: text("`lookup`, `scan`, `expand`, `filter`, `aggregate` and so on."),
  detail: text("What it did, in the words of the query."),
  access: omittable(text("By which way it came to its rows.")),
  estimated_rows: integer(),
  actual_rows: integer(),
  scanned_rows: omittable(integer("Rows that a scan or lookup looked at.")),
  solutions: omittable(integer("How many solutions the rows stand for, where that is not one each.")),
  steps: omittable(list(anyObject(), "Of an anti join: the steps that looked for what must not be there.")),
});

const PlanOutput = object("PlanOutput", {
  query_name: text(),
  tables: text("`in memory`, or `looked up` row by row."),
  steps: list(PlanStepOutput, "In the order in which they ran."),
});

export const ReadOutput = object("ReadOutput", {
  ...readMembers,
  graph_commit_id: omittable(text("Head commit of the snapshot that the rows came from.")),
  plan: omittable(PlanOutput),
});

export const LegacyReadOutput = object("LegacyReadOutput", readMembers);

export const ChangeOutput = object("ChangeOutput", {
  branch: text(),
  query_name: text(),
  affected_nodes: integer(),
  affected_edges: integer(),
  actor_id: nullable(text()),
  commit: nullable(CommitOutput),
});

export const InvokeStoredQueryResponse = named("InvokeStoredQueryResponse", either(ReadOutput, ChangeOutput));
