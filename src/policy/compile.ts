// A bundle as Cedar policies. They are JSON objects and never Cedar text, so no name of a group, rule or graph needs
// escaping, and the key under which each stands is its policy id.

import type { Expr, PolicyJson, SchemaJson } from "@cedar-policy/cedar-wasm/web";
import { actionRule, POLICY_ACTIONS, type PolicyAction, type PolicyKind } from "./actions.ts";
import type { BranchScope, PolicyBundle, PolicyRule } from "./bundle.ts";

/** What a compiled bundle decides about. */
export type PolicyScope = { readonly kind: "graph"; readonly graphId: string } | { readonly kind: "server" };

export const ACTOR_TYPE = "Omnigraph::Actor";
export const GROUP_TYPE = "Omnigraph::Group";
export const ACTION_TYPE = "Omnigraph::Action";

/** The context record of every action; all six attributes are always there. */
export type PolicyContext = {
  readonly has_branch: boolean;
  readonly branch: string;
  readonly has_target_branch: boolean;
  readonly target_branch: string;
  readonly branch_is_protected: boolean;
  readonly target_branch_is_protected: boolean;
};

const CONTEXT_SHAPE = {
  type: "Record",
  attributes: {
    has_branch: { type: "Boolean" },
    branch: { type: "String" },
    has_target_branch: { type: "Boolean" },
    target_branch: { type: "String" },
    branch_is_protected: { type: "Boolean" },
    target_branch_is_protected: { type: "Boolean" },
  },
} as const;

const RESOURCE_TYPE: Readonly<Record<PolicyKind, string>> = { graph: "Graph", server: "Server" };

/** The schema that generated policies and requests are held to. */
export const CEDAR_SCHEMA: SchemaJson<string> = {
  Omnigraph: {
    entityTypes: { Group: {}, Actor: { memberOfTypes: ["Group"] }, Graph: {}, Server: {} },
    actions: Object.fromEntries(
      POLICY_ACTIONS.map((action) => [
        action,
        {
          appliesTo: {
            principalTypes: ["Actor"],
            resourceTypes: [RESOURCE_TYPE[actionRule(action).kind]],
            context: CONTEXT_SHAPE,
          },
        },
      ]),
    ),
  },
};

/** The one resource that a scope's decisions are about. */
export function scopeResource(scope: PolicyScope): { readonly type: string; readonly id: string } {
  return scope.kind === "graph"
    ? { type: "Omnigraph::Graph", id: scope.graphId }
    : { type: "Omnigraph::Server", id: "root" };
}

const policyId = (ruleId: string, action: PolicyAction): string => `${ruleId}:${action}`;

/** The rule behind a policy id of this action. */
export const ruleOfPolicy = (id: string, action: PolicyAction): string => id.slice(0, -`:${action}`.length);

const attribute = (name: keyof PolicyContext): Expr => ({ ".": { left: { Var: "context" }, attr: name } });

function scopeCondition(
  scope: BranchScope | null,
  has: "has_branch" | "has_target_branch",
  isProtected: "branch_is_protected" | "target_branch_is_protected",
): PolicyJson["conditions"] {
  if (scope === null || scope === "any") return [];
  const test: Expr =
    scope === "protected" ? attribute(isProtected) : { "!": { arg: attribute(isProtected) } };
  return [{ kind: "when", body: { "&&": { left: attribute(has), right: test } } }];
}

function permit(rule: PolicyRule, action: PolicyAction, scope: PolicyScope): PolicyJson {
  return {
    effect: "permit",
    principal: { op: "in", entity: { type: GROUP_TYPE, id: rule.group } },
    action: { op: "==", entity: { type: ACTION_TYPE, id: action } },
    resource: { op: "==", entity: scopeResource(scope) },
    conditions: [
      ...scopeCondition(rule.branchScope, "has_branch", "branch_is_protected"),
      ...scopeCondition(rule.targetBranchScope, "has_target_branch", "target_branch_is_protected"),
    ],
  };
}

/** One permit per rule and action, by policy id. */
export function compilePermits(bundle: PolicyBundle, scope: PolicyScope): Record<string, PolicyJson> {
  return Object.fromEntries(
    bundle.rules.flatMap((rule) =>
      rule.actions.map((action) => [policyId(rule.id, action), permit(rule, action, scope)]),
    ),
  );
}
