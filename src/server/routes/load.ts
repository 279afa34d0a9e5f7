// Loads: POST load/ndjson, whose body is not touched before policy, admission and the branch have been settled, and the
// permissive POST load and ingest, which name the branch in a JSON envelope.

import type { LoadMode } from "../../engine/outputs.ts";
import { badRequest, notFound } from "../../lib/errors.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import { declaredLength, readLoad, requireLoadSize, requireNdjsonType } from "../body.ts";
import { LOAD_BODY_BYTES_MAX } from "../limits.ts";
import { branchName } from "../names.ts";
import {
  type GraphCall,
  graphRoute,
  jsonResponse,
  type QueryShapes,
  readBody,
  requireAllowed,
} from "../route.ts";
import {
  flag,
  type Infer,
  integer,
  list,
  named,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from "../schema-kit.ts";
import { branchParameter, CommitOutput } from "../shapes.ts";
import { refusePrecondition } from "./precondition.ts";

const LOAD_MODES = ["merge", "append", "overwrite"] as const satisfies readonly LoadMode[];
const LoadModeShape = named("LoadMode", oneOf(LOAD_MODES));

const declarations = list(
  object("GraphBatchDeclarationOutput", { name: text(), entities_loaded: integer() }),
  "Touched types, sorted by name.",
);

const loadOutput = {
  branch: text(),
  base_branch: nullable(text("The request's `from`, also where it was not needed.")),
  branch_created: flag(),
  mode: LoadModeShape,
  nodes: declarations,
  edges: declarations,
  total_entities: integer(),
  actor_id: nullable(text()),
  commit: nullable(CommitOutput),
};

const GraphBatchLoadOutput = object("GraphBatchLoadOutput", loadOutput);
const IngestOutput = object("IngestOutput", { uri: text("Root of the graph."), ...loadOutput });

const IngestRequest = object("IngestRequest", {
  data: text("Node and edge records: JSON objects one after the other, read permissively."),
  branch: optional(text("Default `main`.")),
  from: optional(text("Branch to fork from where the target is missing.")),
  mode: optional(LoadModeShape),
});

const failures = [400, 401, 403, 404, 409, 413, 424, 429, 503] as const;
const permissiveRoute = {
  method: "POST",
  tag: "mutations",
  action: "change",
  body: { kind: "json", shape: IngestRequest, bytesMax: LOAD_BODY_BYTES_MAX },
  answer: { kind: "json", shape: IngestOutput },
  failures,
} as const;

export const loadRoutes = [
  graphRoute(
    {
      ...permissiveRoute,
      path: "/load",
      operationId: "load",
      summary: "Load records, read permissively, as one commit",
    },
    (call) => loadEnvelope(call),
  ),
  graphRoute(
    {
      ...permissiveRoute,
      path: "/ingest",
      operationId: "ingest",
      summary: "Load records, read permissively, as one commit (older spelling)",
      successor: "load",
    },
    (call) => loadEnvelope(call),
  ),
  graphRoute(
    {
      method: "POST",
      path: "/load/ndjson",
      operationId: "loadNdjson",
      tag: "mutations",
      summary: "Load strict NDJSON as one commit",
      action: "change",
      query: {
        branch: branchParameter,
        from: optional(text("Branch to fork from where the target is missing.")),
        mode: optional(LoadModeShape),
      },
      body: { kind: "ndjson", description: "One node or edge per line." },
      answer: { kind: "json", shape: GraphBatchLoadOutput },
      failures: [...failures, 415],
    },
    async (call) => {
      refusePrecondition(call.request);
      const branch = branchName(call.query.branch);
      const from = call.query.from === undefined ? undefined : branchName(call.query.from);
      const mode = loadMode(call.query.mode);
      requireAllowed(call, { branch });
      const bytes = declaredLength(call.request) ?? 0;
      return await call.service.admission.admit(call.actor, bytes, async (ticket) => {
        ticket.confirm();
        await requireBranch(call, branch, from);
        requireNdjsonType(call.request);
        requireLoadSize(call.request);
        const data = inOnePiece(await readLoad(call.request, ticket.charge));
        return jsonResponse(await call.served.graph.load({ data, mode, branch, from, actor: call.actor }));
      });
    },
  ),
];

async function loadEnvelope(call: GraphCall<QueryShapes, Infer<typeof IngestRequest>>): Promise<Response> {
  refusePrecondition(call.request);
  return await call.service.admission.admit(call.actor, declaredLength(call.request) ?? 0, async (ticket) => {
    const body = await readBody(call, ticket);
    const branch = branchName(body.branch);
    const from = body.from === undefined ? undefined : branchName(body.from);
    requireAllowed(call, { branch });
    ticket.confirm();
    await requireBranch(call, branch, from);
    const { graph } = call.served;
    const data = inOnePiece(encodeUtf8(body.data));
    const { mode = "merge" } = body;
    const output = await graph.load({ data, mode, branch, from, reader: "permissive", actor: call.actor });
    return jsonResponse({ uri: graph.uri, ...output });
  });
}

const inOnePiece = (bytes: Uint8Array) =>
  async function* () {
    yield bytes;
  };

function loadMode(given: string | undefined): LoadMode {
  if (given === undefined) return "merge";
  const mode = LOAD_MODES.find((known) => known === given);
  if (mode === undefined) {
    throw badRequest(`unknown load mode '${given}'; it is one of ${LOAD_MODES.join(", ")}`);
  }
  return mode;
}

/** The branch is there, or the caller named a base and may create it from that. */
async function requireBranch<Q extends QueryShapes, B>(
  call: GraphCall<Q, B>,
  branch: string,
  from: string | undefined,
): Promise<void> {
  const { graph } = call.served;
  if (await graph.branchExists(branch)) return;
  if (from === undefined) throw notFound(`branch '${branch}' not found; pass \`from\` to create it`);
  requireAllowed(call, { action: "branch_create", branch: from, targetBranch: branch });
  if (!(await graph.branchExists(from))) throw notFound(`branch '${from}' not found`);
}
