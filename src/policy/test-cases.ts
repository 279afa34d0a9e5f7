// Policy test files: what a bundle is expected to decide, written down and checked.

import { badRequest } from "../lib/errors.ts";
import { POLICY_ACTIONS, type PolicyAction } from "./actions.ts";
import { readStrictYaml } from "./bundle.ts";
import type { PolicyGate } from "./gate.ts";

type Verdict = "allow" | "deny";

export interface PolicyTestCase {
  readonly id: string;
  readonly actor: string;
  readonly action: PolicyAction;
  readonly branch?: string;
  readonly targetBranch?: string;
  readonly expect: Verdict;
}

const VERDICTS: readonly Verdict[] = ["allow", "deny"];

/** Parses a test file as strictly as a bundle. */
export async function parsePolicyTests(text: string): Promise<readonly PolicyTestCase[]> {
  const { version, cases } = await readStrictYaml(text, (reader, root) => {
    const fields = reader.fields(root, "", { required: ["version"], optional: ["cases"] });
    const versionNode = fields?.get("version");
    const casesNode = fields?.get("cases");
    const items = casesNode === undefined ? [] : (reader.list(casesNode, "cases") ?? []);
    const decoded = items.flatMap((node, i): PolicyTestCase[] => {
      const where = `cases[${i}]`;
      const entry = reader.fields(node, where, {
        required: ["id", "actor", "action", "expect"],
        optional: ["branch", "target_branch"],
      });
      const text = (key: string): string | null => {
        const value = entry?.get(key);
        return value === undefined ? null : reader.string(value, `${where}.${key}`);
      };
      const variant = <T extends string>(key: string, values: readonly T[]): T | null => {
        const value = entry?.get(key);
        return value === undefined ? null : reader.variant(value, `${where}.${key}`, values);
      };
      const [id, actor] = [text("id"), text("actor")];
      const [branch, targetBranch] = [text("branch"), text("target_branch")];
      const [action, expect] = [variant("action", POLICY_ACTIONS), variant("expect", VERDICTS)];
      if (id === null || actor === null || action === null || expect === null) return [];
      return [
        {
          id,
          actor,
          action,
          expect,
          ...(branch === null ? {} : { branch }),
          ...(targetBranch === null ? {} : { targetBranch }),
        },
      ];
    });
    return {
      version: versionNode === undefined ? 0 : (reader.integer(versionNode, "version") ?? 0),
      cases: decoded,
    };
  });
  refuseBadCases(version, cases);
  return cases;
}

function refuseBadCases(version: number, cases: readonly PolicyTestCase[]): void {
  if (version !== 1) throw badRequest(`policy test version must be 1, found ${version}`);
  const seen = new Set<string>();
  for (const { id, actor } of cases) {
    if (id.trim() === "") throw badRequest("policy test case ids must not be blank");
    if (seen.has(id)) throw badRequest(`duplicate policy test case id '${id}'`);
    if (actor.trim() === "") throw badRequest(`policy test case '${id}' must not use a blank actor`);
    seen.add(id);
  }
}

/** Runs every case; throws with one line per case that was decided otherwise. Answers how many there were. */
export function runPolicyTests(gate: PolicyGate, cases: readonly PolicyTestCase[]): number {
  const failures = cases.flatMap((test) => {
    const got: Verdict = gate.decide(test.actor, test).allowed ? "allow" : "deny";
    return got === test.expect ? [] : [`${test.id}: expected ${test.expect} but got ${got}`];
  });
  if (failures.length > 0) throw badRequest(["policy tests failed:", ...failures].join("\n"));
  return cases.length;
}
