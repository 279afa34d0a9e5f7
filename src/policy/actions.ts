// What a policy can grant, and which scope keys each grant takes.

export type PolicyKind = "graph" | "server";

interface ActionRule {
  readonly kind: PolicyKind;
  /** `branch_scope` constrains the branch acted on, `target_branch_scope` the one that is changed by it. */
  readonly scope: "branch_scope" | "target_branch_scope" | null;
}

const ACTION_RULES = {
  read: { kind: "graph", scope: "branch_scope" },
  export: { kind: "graph", scope: "branch_scope" },
  change: { kind: "graph", scope: "branch_scope" },
  schema_apply: { kind: "graph", scope: "target_branch_scope" },
  branch_create: { kind: "graph", scope: "target_branch_scope" },
  branch_delete: { kind: "graph", scope: "target_branch_scope" },
  branch_merge: { kind: "graph", scope: "target_branch_scope" },
  /** Reserved: valid in rules, asked for by nobody. */
  admin: { kind: "graph", scope: null },
  invoke_query: { kind: "graph", scope: null },
  graph_list: { kind: "server", scope: null },
} as const satisfies Record<string, ActionRule>;

export type PolicyAction = keyof typeof ACTION_RULES;

export const POLICY_ACTIONS = Object.keys(ACTION_RULES) as readonly PolicyAction[];

export const actionRule = (action: PolicyAction): ActionRule => ACTION_RULES[action];

/** The action of a snake_case or kebab-case name, or null. */
export function parseAction(name: string): PolicyAction | null {
  const snake = name.replaceAll("-", "_");
  return POLICY_ACTIONS.find((action) => action === snake) ?? null;
}
