// The shapes of entity changes, and of what can go wrong with them.

import {
  anyObject,
  flag,
  integer,
  list,
  named,
  object,
  omittable,
  oneOf,
  optional,
  text,
} from "./schema-kit.ts";
import {
  ChangeDiffRefusalOutput,
  ChangeFeedGapOutput,
  EntityKind,
  ErrorCode,
  RecoveryRequiredOutput,
  ResourceLimitOutput,
} from "./shapes.ts";

export const ChangeErrorOutput = object(
  "ChangeErrorOutput",
  {
    error: text("What was wrong, for people."),
    code: omittable(ErrorCode),
    resource_limit: omittable(ResourceLimitOutput),
    recovery_required: omittable(RecoveryRequiredOutput),
    change_feed_gap: omittable(ChangeFeedGapOutput),
    change_diff_refusal: omittable(ChangeDiffRefusalOutput),
  },
  { description: "The body of every answer of the change routes that is not a success." },
);

const ChangeOp = named("ChangeOpOutput", oneOf(["insert", "update", "delete"]));

const ChangeImageOutput = object("ChangeImageOutput", {
  properties: anyObject("Every property, with the values of an export."),
  endpoints: omittable(object("ChangeEndpointsOutput", { from: text(), to: text() })),
});

const EntityChangeOutput = object("EntityChangeOutput", {
  kind: EntityKind,
  type: object("ChangeTypeOutput", {
    id: text("Opaque; stays when the type is renamed."),
    name: text(),
  }),
  id: text(),
  op: ChangeOp,
  before: omittable(ChangeImageOutput),
  after: omittable(ChangeImageOutput),
});

const ChangeCauseOutput = object("ChangeCauseOutput", {
  graph_commit_id: text(),
  parent_commit_id: omittable(text()),
  merged_parent_commit_id: omittable(text()),
  authored_branch: text("Branch that the commit landed on."),
  actor_id: omittable(text()),
  authored_at: integer("Microseconds since the Unix epoch."),
});

const block = {
  cause: ChangeCauseOutput,
  changes: list(EntityChangeOutput, "Nodes, then edges, each by type id and entity id."),
};

export const CommitChangesOutput = object("CommitChangesOutput", {
  ...block,
  next_page_token: omittable(text("Left out on the last page.")),
});

export const ChangeFeedOutput = object("ChangeFeedOutput", {
  blocks: list(object("ChangeBlockOutput", block), "Oldest commit first."),
  next_page_token: omittable(text("Where the page ends within a commit.")),
  cursor: omittable(text("Where the page ends with a commit: the next poll goes on here.")),
  caught_up: omittable(flag("Whether the page ends at the head of the branch.")),
});

export const ChangeBaselineRecord = object("ChangeBaselineRecord", {
  baseline: object("ChangeBaselineOutput", { snapshot_commit_id: text(), resume_cursor: text() }),
});

/** Filters as query parameters. */
export const changeFilters = {
  kind: omittable(list(EntityKind)),
  type: omittable(list(text("Name of a type."))),
  op: omittable(list(ChangeOp)),
};

export const ChangeBaselineRequest = object("ChangeBaselineRequest", {
  branch: optional(text("Default `main`.")),
  ...changeFilters,
});
