// `schema plan|apply|show`.

import type { SchemaApplyOutput, SchemaPlanOutput } from "../../engine/outputs.ts";
import { badRequest } from "../../lib/errors.ts";
import { openForRead, openGraphAccess, withGraph, writeScope } from "../access.ts";
import { echoWrite } from "../consent.ts";
import type { Context } from "../context.ts";
import { readNamedText } from "../files.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";
import { aboutText, type NamedText } from "../render/source-error.ts";
import { refuseInsideCluster, withStoredGraph } from "../stored.ts";

export async function schemaPlan(context: Context, invocation: Invocation): Promise<number> {
  const { source, allowDataLoss } = await desiredSchema(context, invocation);
  return withStoredGraph(context, invocation, async (graph, uri) => {
    const { supported, steps, warnings } = await aboutText(source, () =>
      graph.planSchema(source.text, allowDataLoss),
    );
    for (const warning of warnings) await context.warn(warning);
    if (flagOn(invocation, "json")) {
      await context.printJson({ uri, supported, step_count: steps.length, steps });
      return 0;
    }
    await context.print(`schema plan for ${uri}`);
    await context.print(`supported: ${yesNo(supported)}`);
    await printSteps(context, steps);
    return 0;
  });
}

export async function schemaApply(context: Context, invocation: Invocation): Promise<number> {
  const { scope, actor } = await writeScope(context, invocation);
  const { source, allowDataLoss } = await desiredSchema(context, invocation);
  if (scope.kind === "store") await refuseInsideCluster(context, scope.uri);
  const access = await openGraphAccess(context, scope, { forWriting: true });
  const warnings: string[] = [];
  const result = await withGraph(access, async (graph) => {
    await echoWrite(context, invocation, scope, graph.uri);
    return aboutText(source, () =>
      graph.applySchema({
        source: source.text,
        allowDataLoss,
        actor,
        since: context.io.startedAt,
        onWarning: (message) => warnings.push(message),
      }),
    );
  });
  for (const warning of warnings) await context.warn(warning);
  if (!result.supported) throw badRequest(unsupportedReason(result));
  if (flagOn(invocation, "json")) {
    const { uri, supported, applied, step_count, graph_manifest_version, steps } = result;
    await context.printJson({ uri, supported, applied, step_count, graph_manifest_version, steps });
    return 0;
  }
  await context.print(`schema apply for ${access.uri}`);
  await context.print(`supported: ${yesNo(result.supported)}`);
  await context.print(`applied: ${yesNo(result.applied)}`);
  await context.print(`graph_manifest_version: ${result.graph_manifest_version}`);
  await printSteps(context, result.steps);
  return 0;
}

export async function schemaShow(context: Context, invocation: Invocation): Promise<number> {
  const access = await openForRead(context, invocation);
  const source = await withGraph(access, (graph) => graph.schemaSource(flagValue(invocation, "snapshot")));
  if (flagOn(invocation, "json")) await context.printJson({ schema_source: source });
  else await context.io.stdout.write(source.endsWith("\n") ? source : `${source}\n`);
  return 0;
}

async function desiredSchema(
  context: Context,
  invocation: Invocation,
): Promise<{ source: NamedText; allowDataLoss: boolean }> {
  // Required by the table.
  const file = flagValue(invocation, "schema") as string;
  const source = await readNamedText(context.io, "--schema", file);
  return { source, allowDataLoss: flagOn(invocation, "allow-data-loss") };
}

async function printSteps(context: Context, steps: SchemaPlanOutput["steps"]): Promise<void> {
  if (steps.length === 0) await context.print("no schema changes");
  const { describeStep } = await import("../../schema/index.ts");
  for (const step of steps)
    await context.print(`- ${describeStep(step as Parameters<typeof describeStep>[0])}`);
}

function unsupportedReason(result: SchemaApplyOutput): string {
  const reasons = result.steps.flatMap((step) =>
    step.kind === "unsupported_change" ? [`${step.entity}: ${step.reason}`] : [],
  );
  return `the schema change is not supported: ${reasons.join("; ")}`;
}

const yesNo = (value: boolean): string => (value ? "yes" : "no");
