// What a graph looks like: its snapshot and its schema. A served graph's schema changes through the control plane.

import { conflict } from "../../lib/errors.ts";
import { MAIN_BRANCH } from "../names.ts";
import { graphRoute, jsonResponse, requireAllowed } from "../route.ts";
import {
  anyObject,
  flag,
  integer,
  list,
  nullable,
  object,
  omittable,
  oneOf,
  optional,
  text,
} from "../schema-kit.ts";
import { branchParameter } from "../shapes.ts";
import { readTarget } from "./targets.ts";

const SnapshotOutput = object("SnapshotOutput", {
  graph_branch: text(),
  graph_manifest_version: integer("Position of the branch's head commit."),
  internal_schema_version: integer("Storage format."),
  datasets: list(
    object("SnapshotDatasetOutput", {
      entity_kind: oneOf(["node", "edge"]),
      type_name: text(),
      dataset_path: text("Opaque."),
      published_dataset_version: integer("Grows with every commit that changes the type on this branch."),
      native_dataset_branch: nullable(text()),
      entity_count: integer(),
    }),
  ),
  graph_commit_id: text("The commit that is described."),
});

/** `?branch=` or `?snapshot=`. */
const stateParameters = {
  branch: branchParameter,
  snapshot: optional(text("A commit id, instead of a branch.")),
};

const SchemaOutput = object("SchemaOutput", { schema_source: text("The accepted schema, verbatim.") });

const SchemaApplyRequest = object("SchemaApplyRequest", {
  schema_source: text(),
  allow_data_loss: omittable(flag("Default false.")),
});

const SchemaApplyOutput = object("SchemaApplyOutput", {
  uri: text(),
  supported: flag(),
  applied: flag("False where nothing was to be done."),
  step_count: integer(),
  graph_manifest_version: integer(),
  steps: list(anyObject("Tagged by `kind`.")),
});

export const graphStateRoutes = [
  graphRoute(
    {
      method: "GET",
      path: "/snapshot",
      operationId: "getSnapshot",
      tag: "snapshots",
      summary: "Describe a branch's head, or a commit's state",
      action: "read",
      query: stateParameters,
      answer: { kind: "json", shape: SnapshotOutput },
      failures: [400, 401, 403, 404, 410],
    },
    async (call) => {
      const { selector, branch } = await readTarget(call.served, call.query);
      requireAllowed(call, { branch });
      return jsonResponse(await call.served.graph.snapshot(selector));
    },
  ),
  graphRoute(
    {
      method: "GET",
      path: "/schema",
      operationId: "getSchema",
      tag: "schema",
      summary: "Show the schema",
      action: "read",
      query: { snapshot: optional(text("A commit id, to show the schema as that commit has it.")) },
      answer: { kind: "json", shape: SchemaOutput },
      failures: [401, 403, 404, 410],
    },
    async (call) => {
      requireAllowed(call);
      const { snapshot } = call.query;
      const { source } = await call.served.graph.catalog(snapshot === undefined ? {} : { snapshot });
      return jsonResponse({ schema_source: source });
    },
  ),
  graphRoute(
    {
      method: "POST",
      path: "/schema/apply",
      operationId: "applySchema",
      tag: "mutations",
      summary: "Refused on a served cluster: apply schemas with `cluster apply`",
      action: "schema_apply",
      body: { kind: "json", shape: SchemaApplyRequest },
      answer: { kind: "json", shape: SchemaApplyOutput },
      failures: [400, 401, 403, 409, 429],
    },
    async (call) => {
      requireAllowed(call, { targetBranch: MAIN_BRANCH });
      throw conflict(
        "server-side schema apply is disabled for cluster-backed serving: change the schema in the cluster's folder, run " +
          "`omnigraph cluster apply`, then restart the server",
      );
    },
  ),
];
