// Branches: list, create, delete, merge.

import { SMALL_WRITE_BYTES } from "../limits.ts";
import { branchName } from "../names.ts";
import { decisionFor, graphRoute, jsonResponse, pathParameter, readBody, requireAllowed } from "../route.ts";
import { flag, list, named, nullable, object, omittable, oneOf, optional, text } from "../schema-kit.ts";
import { refusePrecondition } from "./precondition.ts";

const BranchListOutput = object("BranchListOutput", { branches: list(text(), "Sorted by bytes.") });

const BranchCreateRequest = object("BranchCreateRequest", {
  name: text("Name of the new branch."),
  from: optional(text("Branch to fork from; default `main`.")),
});

const BranchCreateOutput = object("BranchCreateOutput", {
  uri: text(),
  from: text(),
  name: text(),
  actor_id: nullable(text()),
});

const BranchDeleteOutput = object("BranchDeleteOutput", {
  uri: text(),
  name: text(),
  actor_id: nullable(text()),
});

const BranchMergeRequest = object("BranchMergeRequest", {
  source: text("Branch to merge."),
  target: optional(text("Branch to merge into; default `main`.")),
  delete_branch: omittable(flag("Delete the source after the merge; default false.")),
});

const BranchMergeOutput = object("BranchMergeOutput", {
  source: text(),
  target: text(),
  outcome: named("BranchMergeOutcome", oneOf(["already_up_to_date", "fast_forward", "merged"])),
  actor_id: nullable(text()),
  branch_deleted: omittable(flag("Only where deletion was asked for.")),
  branch_delete_error: omittable(text("Why the source is still there.")),
});

export const branchRoutes = [
  graphRoute(
    {
      method: "GET",
      path: "/branches",
      operationId: "listBranches",
      tag: "branches",
      summary: "List the branches",
      action: "read",
      answer: { kind: "json", shape: BranchListOutput },
      failures: [401, 403],
    },
    async (call) => {
      requireAllowed(call);
      return jsonResponse({ branches: await call.served.graph.branches() });
    },
  ),
  graphRoute(
    {
      method: "POST",
      path: "/branches",
      operationId: "createBranch",
      tag: "branches",
      summary: "Create a branch",
      action: "branch_create",
      body: { kind: "json", shape: BranchCreateRequest },
      answer: { kind: "json", shape: BranchCreateOutput },
      failures: [400, 401, 403, 404, 409, 429, 503],
    },
    async (call) => {
      refusePrecondition(call.request);
      return await call.service.admission.admit(call.actor, SMALL_WRITE_BYTES, async (ticket) => {
        const body = await readBody(call, ticket);
        const name = branchName(body.name);
        const from = branchName(body.from);
        requireAllowed(call, { branch: from, targetBranch: name });
        ticket.confirm();
        return jsonResponse(await call.served.graph.createBranch({ name, from, actor: call.actor }));
      });
    },
  ),
  graphRoute(
    {
      method: "DELETE",
      path: "/branches/{branch}",
      operationId: "deleteBranch",
      tag: "branches",
      summary: "Delete a branch",
      action: "branch_delete",
      answer: { kind: "json", shape: BranchDeleteOutput },
      failures: [401, 403, 404, 409, 429, 503],
    },
    async (call) => {
      refusePrecondition(call.request);
      const name = branchName(pathParameter(call, 1));
      requireAllowed(call, { targetBranch: name });
      return await call.service.admission.admit(call.actor, SMALL_WRITE_BYTES, async (ticket) => {
        ticket.confirm();
        return jsonResponse(await call.served.graph.deleteBranch({ name, actor: call.actor }));
      });
    },
  ),
  graphRoute(
    {
      method: "POST",
      path: "/branches/merge",
      operationId: "mergeBranches",
      tag: "branches",
      summary: "Merge a branch into another",
      action: "branch_merge",
      body: { kind: "json", shape: BranchMergeRequest },
      answer: { kind: "json", shape: BranchMergeOutput },
      failures: [400, 401, 403, 404, 409, 413, 424, 429, 503],
    },
    async (call) => {
      refusePrecondition(call.request);
      return await call.service.admission.admit(call.actor, SMALL_WRITE_BYTES, async (ticket) => {
        const body = await readBody(call, ticket);
        const source = branchName(body.source);
        const target = branchName(body.target);
        requireAllowed(call, { branch: source, targetBranch: target });
        ticket.confirm();
        const { graph } = call.served;
        const request = { source, target, actor: call.actor };
        if (body.delete_branch !== true) return jsonResponse(await graph.merge(request));
        const deletion = decisionFor(call, { action: "branch_delete", targetBranch: source });
        if (deletion.allowed) return jsonResponse(await graph.merge({ ...request, deleteBranch: true }));
        const merged = await graph.merge(request);
        return jsonResponse({ ...merged, branch_deleted: false, branch_delete_error: deletion.message });
      });
    },
  ),
];
