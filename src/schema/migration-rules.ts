// Steps for the rules of a type that survives. A rule is compared by its text, in the new names.

import { compareUtf8 } from "../lib/utf8.ts";
import { entityOf, type TypeContext } from "./migration-type.ts";
import { type Rule, ruleProperties, ruleText } from "./resolved.ts";
import { type MigrationStep, unsupportedChange } from "./steps.ts";

/** Rules by their text. */
export type RuleSet = ReadonlyMap<string, Rule>;

export interface RuleChanges {
  /** Of the desired type, which the accepted one lacks. */
  readonly added: RuleSet;
  /** Of the accepted type, in the new names, which the desired one lacks. */
  readonly removed: RuleSet;
}

export function compareRules(context: TypeContext): RuleChanges {
  const old = byText(survivingRules(context));
  const desired = byText(context.desired.rules);
  const without = (rules: RuleSet, others: RuleSet) =>
    new Map([...rules].filter(([text]) => !others.has(text)));
  return { added: without(desired, old), removed: without(old, desired) };
}

const byText = (rules: readonly Rule[]): RuleSet => new Map(rules.map((rule) => [ruleText(rule), rule]));

/** Accepted rules but those that go with their dropped properties. */
function survivingRules({ accepted, dropped, renamed }: TypeContext): Rule[] {
  const goes = (rule: Rule) => rule.kind !== "key" && ruleProperties(rule).every((name) => dropped.has(name));
  return accepted.rules.filter((rule) => !goes(rule)).map((rule) => renameRule(rule, renamed));
}

function renameRule(rule: Rule, renamed: ReadonlyMap<string, string>): Rule {
  const rename = (name: string) => renamed.get(name) ?? name;
  return rule.kind === "range" || rule.kind === "check"
    ? { ...rule, property: rename(rule.property) }
    : { ...rule, properties: rule.properties.map(rename).sort(compareUtf8) };
}

export function ruleSteps(
  { desired, added: newProperties }: TypeContext,
  changes: RuleChanges,
): MigrationStep[] {
  const { kind, name } = desired;
  const entity = entityOf(desired);
  const steps: MigrationStep[] = [];
  if (changes.removed.size > 0) {
    const texts = [...changes.removed.keys()].sort(compareUtf8).join(", ");
    steps.push(unsupportedChange(entity, `removing constraints from '${name}' (${texts})`));
  }
  for (const [text, rule] of changes.added) {
    if (rule.kind !== "index") {
      steps.push(unsupportedChange(entity, `adding constraint '${text}' to '${name}'`));
      continue;
    }
    // An interface's new property brings its index to the nodes that receive it, and only there.
    if (kind === "interface" && rule.properties.every((property) => newProperties.has(property))) continue;
    const constraint = { Index: rule.properties };
    steps.push({ kind: "add_constraint", type_kind: kind, type_name: name, constraint });
  }
  return steps;
}
