// `policy validate|test|explain`: one bundle of a cluster, and what it decides.

import type { ServingPolicy } from "../../cluster/index.ts";
import { badRequest } from "../../lib/errors.ts";
import type { PolicyGate } from "../../policy/index.ts";
import type { Context } from "../context.ts";
import { readFlagFile } from "../files.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";
import { readServedCluster, type ServedCluster } from "../serving.ts";

export async function policyValidate(context: Context, invocation: Invocation): Promise<number> {
  const { bundle, gate } = await chosenGate(context, invocation);
  if (flagOn(invocation, "json")) {
    await context.printJson({ valid: true, bundle: bundle.name, actors: gate.actorCount });
  } else {
    await context.print(`policy valid: bundle '${bundle.name}' [${gate.actorCount} actors]`);
  }
  return 0;
}

export async function policyTest(context: Context, invocation: Invocation): Promise<number> {
  // Required by the table.
  const file = flagValue(invocation, "tests") as string;
  const text = await readFlagFile(context.io, "--tests", file);
  const { bundle, gate } = await chosenGate(context, invocation);
  const { parsePolicyTests, runPolicyTests } = await import("../../policy/index.ts");
  const cases = runPolicyTests(gate, await parsePolicyTests(text));
  if (flagOn(invocation, "json")) await context.printJson({ passed: true, bundle: bundle.name, cases });
  else await context.print(`policy tests passed: ${cases} cases`);
  return 0;
}

export async function policyExplain(context: Context, invocation: Invocation): Promise<number> {
  const { gate } = await chosenGate(context, invocation);
  const { parseAction } = await import("../../policy/index.ts");
  // Both are required by the table, and the action is one of its list.
  const actor = flagValue(invocation, "actor") as string;
  const word = flagValue(invocation, "action") as string;
  const action = parseAction(word);
  if (action === null) throw badRequest(`unknown policy action '${word}'`);
  const branch = flagValue(invocation, "branch");
  const targetBranch = flagValue(invocation, "target-branch");
  const { allowed, matchedRuleId, message } = gate.decide(actor, { action, branch, targetBranch });
  const explanation = {
    decision: allowed ? "allow" : "deny",
    actor,
    action,
    ...(branch === undefined ? {} : { branch }),
    ...(targetBranch === undefined ? {} : { target_branch: targetBranch }),
    ...(matchedRuleId === null ? {} : { matched_rule: matchedRuleId }),
    message,
  };
  if (flagOn(invocation, "json")) await context.printJson(explanation);
  else for (const [key, value] of Object.entries(explanation)) await context.print(`${key}: ${value}`);
  return 0;
}

interface Chosen {
  readonly bundle: ServingPolicy;
  readonly gate: PolicyGate;
}

/** The bundle that the command is about, compiled for the scope that it is bound to. */
async function chosenGate(context: Context, invocation: Invocation): Promise<Chosen> {
  const { bundle, graphId } = chooseBundle(await readServedCluster(context, invocation));
  const { compileBundle } = await import("../../policy/index.ts");
  const scope = graphId === null ? ({ kind: "server" } as const) : ({ kind: "graph", graphId } as const);
  return { bundle, gate: await compileBundle(bundle.content, scope) };
}

const CLUSTER = "cluster";
const GRAPH_PREFIX = "graph.";

/** With a graph: its bundle, else the cluster's. Without: the only one. `graphId` is null for a cluster's bundle. */
function chooseBundle({ name, graph, snapshot }: ServedCluster): {
  bundle: ServingPolicy;
  graphId: string | null;
} {
  const { policies } = snapshot;
  if (policies.length === 0) throw badRequest(`cluster '${name}' has no applied policy bundles`);
  if (graph !== null) {
    const own = policies.find(({ appliesTo }) => appliesTo.includes(GRAPH_PREFIX + graph));
    if (own !== undefined) return { bundle: own, graphId: graph };
    const shared = policies.find(({ appliesTo }) => appliesTo.includes(CLUSTER));
    if (shared !== undefined) return { bundle: shared, graphId: null };
    throw badRequest(`no policy bundle bound to graph '${graph}' in cluster '${name}'`);
  }
  if (policies.length > 1) {
    const names = policies.map((policy) => `${policy.name} (${policy.appliesTo.join(", ")})`);
    throw badRequest(
      `cluster '${name}' matches ${policies.length} policy bundles: ${names.join("; ")}; pass --graph <id> to select one`,
    );
  }
  const [bundle] = policies;
  if (bundle.appliesTo.includes(CLUSTER)) return { bundle, graphId: null };
  return { bundle, graphId: (bundle.appliesTo[0] ?? "").slice(GRAPH_PREFIX.length) };
}
