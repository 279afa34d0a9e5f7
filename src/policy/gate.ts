// The decider of one scope: a compiled bundle, asked synchronously. Cedar decides; here stands only what feeds it.

import { OmnigraphError } from "../lib/errors.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import { actionRule, type PolicyAction, type PolicyKind } from "./actions.ts";
import { actorCount, type PolicyBundle, parseBundle } from "./bundle.ts";
import { type Cedar, loadCedar, refuseCedarErrors } from "./cedar.ts";
import {
  ACTION_TYPE,
  ACTOR_TYPE,
  CEDAR_SCHEMA,
  compilePermits,
  GROUP_TYPE,
  type PolicyContext,
  type PolicyScope,
  ruleOfPolicy,
  scopeResource,
} from "./compile.ts";

export interface PolicyRequest {
  readonly action: PolicyAction;
  readonly branch?: string;
  readonly targetBranch?: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** The smallest id, in byte order, of the rules that allowed it; null for a denial. */
  readonly matchedRuleId: string | null;
  readonly message: string;
}

export interface PolicyGate {
  readonly scope: PolicyScope;
  /** Distinct actors over all groups. */
  readonly actorCount: number;
  /** Throws `internal` with `policy: policy evaluation failed: …` where Cedar could not decide. */
  decide(actorId: string, request: PolicyRequest): Decision;
}

type Permits = ReturnType<typeof compilePermits>;

/** Parses, checks, compiles and loads a bundle for one scope. Throws `bad_request` with the phrase of what is wrong. */
export async function compileBundle(text: string, scope: PolicyScope): Promise<PolicyGate> {
  const bundle = await parseBundle(text, scope.kind);
  const cedar = await loadCedar();
  const permits = compilePermits(bundle, scope);
  refuseCedarErrors(validationErrors(cedar, permits));
  return new CedarGate(cedar, bundle, permits, scope);
}

/** Every check of a bundle without a gate to show for it; `kind` null where the binding tells none. */
export async function validateBundle(text: string, kind: PolicyKind | null): Promise<PolicyBundle> {
  const bundle = await parseBundle(text, kind);
  if (kind !== null && bundle.rules.length > 0) {
    const scope: PolicyScope = kind === "graph" ? { kind, graphId: "graph" } : { kind };
    refuseCedarErrors(validationErrors(await loadCedar(), compilePermits(bundle, scope)));
  }
  return bundle;
}

function validationErrors(cedar: Cedar, permits: Permits): string[] {
  const answer = cedar.validate({
    schema: CEDAR_SCHEMA,
    policies: { staticPolicies: permits },
    validationSettings: { mode: "strict" },
  });
  return answer.type === "failure"
    ? answer.errors.map((error) => error.message)
    : answer.validationErrors.map((found) => `${found.policyId}: ${found.error.message}`);
}

/** Which gate's policies stand in Cedar's cache under a set id; the cache itself cannot be asked. */
const inPlace = new Map<string, CedarGate>();

interface Verdict {
  readonly allowed: boolean;
  readonly matchedRuleId: string | null;
}

const DENIED: Verdict = { allowed: false, matchedRuleId: null };

class CedarGate implements PolicyGate {
  readonly actorCount: number;
  private readonly setId: string;
  private readonly groupsOf: ReadonlyMap<string, readonly string[]>;
  private readonly protectedBranches: ReadonlySet<string>;
  /**
   * Conditions read only booleans, so a verdict hangs on the actor, the action and four bits. Actors in no group
   * never get here: the map is bounded by the bundle.
   */
  private readonly verdicts = new Map<string, Verdict>();

  constructor(
    private readonly cedar: Cedar,
    bundle: PolicyBundle,
    private readonly permits: Permits,
    readonly scope: PolicyScope,
  ) {
    this.setId = scope.kind === "graph" ? `graph:${scope.graphId}` : "server";
    this.groupsOf = groupsByActor(bundle);
    this.protectedBranches = new Set(bundle.protectedBranches);
    this.actorCount = actorCount(bundle);
    this.install();
  }

  decide(actorId: string, request: PolicyRequest): Decision {
    const { action, branch, targetBranch } = request;
    const groups = this.groupsOf.get(actorId);
    if (groups === undefined) {
      return { ...DENIED, message: `policy denied action '${action}' for unknown actor '${actorId}'` };
    }
    const verdict = this.verdict(actorId, groups, request);
    if (verdict.allowed) {
      return { ...verdict, message: `policy allowed action '${action}' for actor '${actorId}'` };
    }
    const onBranch = branch === undefined ? "" : ` on branch '${branch}'`;
    const targeting = targetBranch === undefined ? "" : ` targeting branch '${targetBranch}'`;
    return {
      ...verdict,
      message: `policy denied action '${action}'${onBranch}${targeting} for actor '${actorId}'`,
    };
  }

  private verdict(actorId: string, groups: readonly string[], request: PolicyRequest): Verdict {
    const { action } = request;
    if (actionRule(action).kind !== this.scope.kind) return DENIED;
    const context = this.context(request);
    const bits = [
      context.has_branch,
      context.branch_is_protected,
      context.has_target_branch,
      context.target_branch_is_protected,
    ].map(Number);
    const key = `${action} ${bits.join("")} ${actorId}`;
    const known = this.verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = this.evaluate(actorId, groups, action, context);
    this.verdicts.set(key, verdict);
    return verdict;
  }

  private context({ branch, targetBranch }: PolicyRequest): PolicyContext {
    return {
      has_branch: branch !== undefined,
      branch: branch ?? "",
      has_target_branch: targetBranch !== undefined,
      target_branch: targetBranch ?? "",
      branch_is_protected: branch !== undefined && this.protectedBranches.has(branch),
      target_branch_is_protected: targetBranch !== undefined && this.protectedBranches.has(targetBranch),
    };
  }

  private evaluate(
    actorId: string,
    groups: readonly string[],
    action: PolicyAction,
    context: PolicyContext,
  ): Verdict {
    if (inPlace.get(this.setId) !== this) this.install();
    const principal = { type: ACTOR_TYPE, id: actorId };
    const answer = this.cedar.statefulIsAuthorized({
      preparsedPolicySetId: this.setId,
      principal,
      action: { type: ACTION_TYPE, id: action },
      resource: scopeResource(this.scope),
      context: { ...context },
      // Only the acting principal: entities are parsed on every call, so a whole membership list would cost milliseconds.
      entities: [{ uid: principal, attrs: {}, parents: groups.map((id) => ({ type: GROUP_TYPE, id })) }],
    });
    if (answer.type === "failure") throw evaluationFailed(answer.errors.map((error) => error.message));
    const { decision, diagnostics } = answer.response;
    if (diagnostics.errors.length > 0) {
      throw evaluationFailed(diagnostics.errors.map((found) => found.error.message));
    }
    if (decision === "deny") return DENIED;
    const rules = diagnostics.reason.map((id) => ruleOfPolicy(id, action)).sort(compareUtf8);
    return { allowed: true, matchedRuleId: rules[0] ?? null };
  }

  /** Puts this gate's policies under its set id, in place of whatever another gate of the scope had there. */
  private install(): void {
    const answer = this.cedar.preparsePolicySet(this.setId, { staticPolicies: this.permits });
    if (answer.type === "failure") refuseCedarErrors(answer.errors.map((error) => error.message));
    inPlace.set(this.setId, this);
  }
}

const evaluationFailed = (causes: readonly string[]): OmnigraphError =>
  new OmnigraphError("internal", `policy: policy evaluation failed: ${causes.join("; ")}`);

function groupsByActor(bundle: PolicyBundle): Map<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const name of [...bundle.groups.keys()].sort(compareUtf8)) {
    for (const actor of new Set(bundle.groups.get(name))) {
      const list = groups.get(actor);
      if (list === undefined) groups.set(actor, [name]);
      else list.push(name);
    }
  }
  return groups;
}

/**
 * The engine's gate: refuses what the bundle does not allow. Throws `forbidden`, also where nobody says who acts.
 */
export function enforce(gate: PolicyGate, actor: string | null, request: PolicyRequest): void {
  if (actor === null) {
    throw new OmnigraphError(
      "forbidden",
      `policy: action '${request.action}' denied: a policy is in force and there is no actor to decide about`,
    );
  }
  const decision = gate.decide(actor, request);
  if (!decision.allowed) throw new OmnigraphError("forbidden", `policy: ${decision.message}`);
}
