// The gate in front of every route (spec 07 A10). The engine asks the same compiled bundle again before it writes, so
// the two cannot disagree.

import { OmnigraphError } from "../lib/errors.ts";
import type { Decision, PolicyGate, PolicyRequest } from "../policy/index.ts";
import type { Logger } from "./log.ts";

/** What the gate answers for a scope that may or may not have a bundle, logged. */
export function decide(
  gate: PolicyGate | null,
  actor: string | null,
  request: PolicyRequest,
  log: Logger,
): Decision {
  const decision = gate === null ? decideWithoutBundle(actor, request) : decideWith(gate, actor, request);
  if (log.enabled("info", "policy")) {
    log.log(
      "info",
      "policy decision",
      {
        actor_id: actor,
        action: request.action,
        branch: request.branch,
        target_branch: request.targetBranch,
        allowed: decision.allowed,
        matched_rule_id: decision.matchedRuleId,
      },
      "policy",
    );
  }
  return decision;
}

/** Refuses (403) what the gate does not allow. */
export function authorize(
  gate: PolicyGate | null,
  actor: string | null,
  request: PolicyRequest,
  log: Logger,
): void {
  const decision = decide(gate, actor, request, log);
  if (!decision.allowed) throw new OmnigraphError("forbidden", decision.message);
}

function decideWith(gate: PolicyGate, actor: string | null, request: PolicyRequest): Decision {
  if (actor === null) throw new OmnigraphError("unauthorized", "missing bearer token");
  return gate.decide(actor, request);
}

function decideWithoutBundle(actor: string | null, request: PolicyRequest): Decision {
  if (request.action === "graph_list") {
    return denied(
      `${deniedText(actor, request)}: server-scoped actions require an explicit cluster policy bundle and are ` +
        "closed by default",
    );
  }
  if (actor === null) return allowed(`policy allowed action '${request.action}' on an open server`);
  if (request.action === "read") return allowed(`policy allowed action 'read' for actor '${actor}'`);
  return denied(
    `${deniedText(actor, request)}: default-deny, because no policy bundle is bound to this graph. Only \`read\` ` +
      "is allowed; bind a bundle with `cluster apply` to grant more",
  );
}

function deniedText(actor: string | null, { action, branch, targetBranch }: PolicyRequest): string {
  const on = branch === undefined ? "" : ` on branch '${branch}'`;
  const targeting = targetBranch === undefined ? "" : ` targeting branch '${targetBranch}'`;
  const who = actor === null ? "" : ` for actor '${actor}'`;
  return `policy denied action '${action}'${on}${targeting}${who}`;
}

const allowed = (message: string): Decision => ({ allowed: true, matchedRuleId: null, message });
const denied = (message: string): Decision => ({ allowed: false, matchedRuleId: null, message });
