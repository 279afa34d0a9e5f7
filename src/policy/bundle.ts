// A policy bundle: YAML text -> checked value. Reading is strict, because a typo that is ignored widens access.

import { badRequest } from "../lib/errors.ts";
import { atPosition, parseYaml, type YamlNode } from "../lib/yaml.ts";
import { type FindingKind, YamlReader } from "../lib/yaml-reader.ts";
import { actionRule, POLICY_ACTIONS, type PolicyAction, type PolicyKind } from "./actions.ts";

export type BranchScope = "any" | "protected" | "unprotected";

export interface PolicyRule {
  readonly id: string;
  readonly group: string;
  readonly actions: readonly PolicyAction[];
  readonly branchScope: BranchScope | null;
  readonly targetBranchScope: BranchScope | null;
}

export interface PolicyBundle {
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly protectedBranches: readonly string[];
  readonly rules: readonly PolicyRule[];
}

/** As written: shapes and words are right, what they mean together is not yet checked. */
interface DecodedBundle extends PolicyBundle {
  readonly version: number;
}

const SCOPES: readonly BranchScope[] = ["any", "protected", "unprotected"];
const KIND_HINT =
  "whether a bundle is for the server or for graphs follows from what it is bound to (`applies_to`)";

const isBlank = (text: string): boolean => text.trim() === "";

/** Parses and checks a bundle; with `kind`, also that every action is of that kind. Throws `bad_request`. */
export async function parseBundle(text: string, kind: PolicyKind | null): Promise<PolicyBundle> {
  const bundle = await decodeBundle(text);
  for (const check of CHECKS) {
    const fault = check(bundle);
    if (fault !== null) throw badRequest(fault);
  }
  const fault = kind === null ? null : kindFault(bundle, kind);
  if (fault !== null) throw badRequest(fault);
  return bundle;
}

/** Distinct actor ids over all groups. */
export function actorCount(bundle: PolicyBundle): number {
  return new Set([...bundle.groups.values()].flat()).size;
}

/** Which kind of finding is reported where a text has several. */
export const FINDING_ORDER: readonly FindingKind[] = [
  "unknown_field",
  "missing_field",
  "wrong_type",
  "unknown_variant",
];

/**
 * Reads a YAML text whose root is a mapping with `read` and throws the gravest thing that is wrong with it:
 * syntax, then unknown keys, then keys that stand twice, then the rest.
 */
export async function readStrictYaml<T>(
  text: string,
  read: (reader: YamlReader, root: YamlNode) => T,
): Promise<T> {
  const { root, duplicates, fault } = await parseYaml(text);
  if (fault !== null) throw badRequest(fault.message);
  if (root.kind !== "map") throw badRequest(atPosition("expected a mapping at the top", root.at));
  const reader = new YamlReader();
  const value = read(reader, root);
  const duplicate = duplicates[0];
  for (const kind of FINDING_ORDER) {
    const finding = reader.findings.find((candidate) => candidate.kind === kind);
    if (finding !== undefined) throw badRequest(finding.message);
    if (kind === "unknown_field" && duplicate !== undefined) {
      throw badRequest(atPosition(`duplicate key \`${duplicate.key}\` (${duplicate.path})`, duplicate.at));
    }
  }
  return value;
}

function decodeBundle(text: string): Promise<DecodedBundle> {
  return readStrictYaml(text, (reader, root) => {
    const fields = reader.fields(root, "", {
      required: ["version"],
      optional: ["groups", "protected_branches", "rules"],
      hints: { kind: KIND_HINT },
    });
    const version = fields?.get("version");
    const groups = fields?.get("groups");
    const branches = fields?.get("protected_branches");
    const rules = fields?.get("rules");
    return {
      version: version === undefined ? 0 : (reader.integer(version, "version") ?? 0),
      groups: groups === undefined ? new Map() : decodeGroups(reader, groups),
      protectedBranches:
        branches === undefined
          ? []
          : (reader.strings(branches, "protected_branches") ?? []).map((name) => name.trim()),
      rules:
        rules === undefined
          ? []
          : (reader.list(rules, "rules") ?? []).map((rule, i) => decodeRule(reader, rule, `rules[${i}]`)),
    };
  });
}

function decodeGroups(reader: YamlReader, node: YamlNode): Map<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const { key, value } of reader.map(node, "groups")?.entries ?? []) {
    const members = value.kind === "null" ? [] : reader.strings(value, `groups.${key}`);
    if (!groups.has(key)) groups.set(key, members ?? []);
  }
  return groups;
}

function decodeRule(reader: YamlReader, node: YamlNode, where: string): PolicyRule {
  const fields = reader.fields(node, where, { required: ["id", "allow"], hints: { kind: KIND_HINT } });
  const id = fields?.get("id");
  const allow = fields?.get("allow");
  const grantWhere = `${where}.allow`;
  const grant =
    allow === undefined
      ? null
      : reader.fields(allow, grantWhere, {
          required: ["actors", "actions"],
          optional: ["branch_scope", "target_branch_scope"],
          hints: { kind: KIND_HINT },
        });
  const actors = grant?.get("actors");
  const group =
    actors === undefined
      ? undefined
      : reader.fields(actors, `${grantWhere}.actors`, { required: ["group"] })?.get("group");
  const actions = grant?.get("actions");
  const scope = (key: "branch_scope" | "target_branch_scope"): BranchScope | null => {
    const value = grant?.get(key);
    return value === undefined ? null : reader.variant(value, `${grantWhere}.${key}`, SCOPES);
  };
  return {
    id: id === undefined ? "" : (reader.string(id, `${where}.id`) ?? ""),
    group: group === undefined ? "" : (reader.string(group, `${grantWhere}.actors.group`) ?? ""),
    actions:
      actions === undefined
        ? []
        : (reader.list(actions, `${grantWhere}.actions`) ?? []).flatMap(
            (item, i) => reader.variant(item, `${grantWhere}.actions[${i}]`, POLICY_ACTIONS) ?? [],
          ),
    branchScope: scope("branch_scope"),
    targetBranchScope: scope("target_branch_scope"),
  };
}

type Check = (bundle: DecodedBundle) => string | null;

/** Applies a check to each item and answers the first fault. */
function firstFault<T>(items: Iterable<T>, fault: (item: T) => string | null): string | null {
  for (const item of items) {
    const message = fault(item);
    if (message !== null) return message;
  }
  return null;
}

const eachRule =
  (fault: (rule: PolicyRule, bundle: DecodedBundle) => string | null): Check =>
  (bundle) =>
    firstFault(bundle.rules, (rule) => fault(rule, bundle));

const firstRepeated = <T>(items: readonly T[]): T | undefined =>
  items.find((item, i) => items.indexOf(item) !== i);

/** An action of the rule that does not take the scope key that the rule carries. */
const misfit = (rule: PolicyRule, key: "branch_scope" | "target_branch_scope"): PolicyAction | undefined =>
  rule.actions.find((action) => actionRule(action).scope !== key);

/** In the order of the contract; the first that finds something speaks. */
const CHECKS: readonly Check[] = [
  ({ version }) => (version === 1 ? null : `policy version must be 1, found ${version}`),
  ({ groups }) =>
    firstFault(groups.keys(), (name) => (isBlank(name) ? "policy group names must not be blank" : null)),
  ({ groups }) =>
    firstFault(groups, ([name, actors]) =>
      actors.length === 0 ? `policy group '${name}' must not be empty` : null,
    ),
  ({ groups }) =>
    firstFault(groups, ([name, actors]) =>
      actors.some(isBlank) ? `policy group '${name}' contains a blank actor id` : null,
    ),
  ({ protectedBranches }) =>
    protectedBranches.some(isBlank) ? "protected branch names must not be blank" : null,
  eachRule((rule) => (isBlank(rule.id) ? "policy rule ids must not be blank" : null)),
  ({ rules }) => {
    const id = firstRepeated(rules.map((rule) => rule.id));
    return id === undefined ? null : `duplicate policy rule id '${id}'`;
  },
  eachRule((rule) =>
    isBlank(rule.group) ? `policy rule '${rule.id}' must reference a non-blank group` : null,
  ),
  eachRule((rule, { groups }) =>
    groups.has(rule.group) ? null : `policy rule '${rule.id}' references unknown group '${rule.group}'`,
  ),
  eachRule((rule) =>
    rule.actions.length === 0 ? `policy rule '${rule.id}' must include at least one action` : null,
  ),
  eachRule((rule) => {
    const action = firstRepeated(rule.actions);
    return action === undefined ? null : `policy rule '${rule.id}' lists action '${action}' more than once`;
  }),
  eachRule((rule) =>
    rule.branchScope !== null && rule.targetBranchScope !== null
      ? `policy rule '${rule.id}' may specify branch_scope or target_branch_scope, not both`
      : null,
  ),
  eachRule((rule) => {
    const action = rule.branchScope === null ? undefined : misfit(rule, "branch_scope");
    return action === undefined
      ? null
      : `policy rule '${rule.id}' uses branch_scope with unsupported action '${action}'`;
  }),
  eachRule((rule) => {
    const action = rule.targetBranchScope === null ? undefined : misfit(rule, "target_branch_scope");
    return action === undefined
      ? null
      : `policy rule '${rule.id}' uses target_branch_scope with unsupported action '${action}'`;
  }),
  eachRule((rule) => {
    const server = rule.actions.find((action) => actionRule(action).kind === "server");
    const graph = rule.actions.find((action) => actionRule(action).kind === "graph");
    return server === undefined || graph === undefined
      ? null
      : `policy rule '${rule.id}' mixes the server-scoped action '${server}' with per-graph action '${graph}'; split into separate rules`;
  }),
];

function kindFault(bundle: PolicyBundle, kind: PolicyKind): string | null {
  return firstFault(bundle.rules, (rule) => {
    const action = rule.actions.find((candidate) => actionRule(candidate).kind !== kind);
    if (action === undefined) return null;
    return kind === "graph"
      ? `policy rule '${rule.id}' uses server-scoped action '${action}' in a Graph policy file; move it to a server policy file`
      : `policy rule '${rule.id}' uses per-graph action '${action}' in a Server policy file; move it to a per-graph policy file`;
  });
}
