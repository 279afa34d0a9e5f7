// `omnigraph lint`: every query of a file against a schema, and what the file as a whole leaves out.

import { OmnigraphError } from "../lib/errors.ts";
import { type ToldProblem, toldProblems } from "../lib/problems.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import type { Catalog, NodeType } from "../schema/catalog.ts";
import type { QueryDeclaration } from "./ast.ts";
import { checkQuery } from "./check.ts";
import { describeOperation, type OperationDescriptor } from "./descriptor.ts";
import { parseQueries } from "./parser.ts";
import type { QueryPlan } from "./plan.ts";

export type SchemaSource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "graph"; readonly uri: string };

export interface LintInput {
  readonly schema_source: SchemaSource;
  /** As the caller resolved it. */
  readonly query_path: string;
}

export interface LintResult {
  readonly name: string;
  readonly kind: "read" | "mutation";
  readonly status: "ok" | "error";
  readonly warnings?: readonly string[];
  readonly error?: string;
  readonly operation?: OperationDescriptor;
}

export interface LintFinding {
  readonly severity: "error" | "warning" | "info";
  readonly code: string;
  readonly message: string;
  readonly type_name?: string;
  readonly property?: string;
  readonly query_names?: readonly string[];
}

export interface LintOutput extends LintInput {
  readonly status: "ok" | "error";
  readonly queries_processed: number;
  readonly errors: number;
  readonly warnings: number;
  readonly infos: number;
  readonly results: readonly LintResult[];
  readonly findings: readonly LintFinding[];
}

/** The same for machines and for people. */
export interface LintReport {
  readonly output: LintOutput;
  readonly lines: readonly LintLine[];
}

export type LintLine = ToldProblem;

/** Checks every declaration of a source; problems of the source are in the report, never thrown. */
export function lintQueries(source: string, catalog: Catalog, input: LintInput): LintReport {
  let declarations: QueryDeclaration[];
  try {
    declarations = parseQueries(source);
  } catch (thrown) {
    return unparsed(input, expectOurs(thrown));
  }
  const linted = declarations.map((declaration) => lintQuery(declaration, catalog));
  const output = summarize(
    input,
    linted.map(({ result }) => result),
    findUnsetProperties(linted.flatMap(({ plan }) => plan ?? [])),
  );
  const findings = output.findings.map(({ severity, code, message }) =>
    plainLine(`${SEVERITY_WORDS[severity]} ${code}: ${message}`),
  );
  return { output, lines: [...linted.flatMap(resultLines), ...findings, lastLine(output)] };
}

function unparsed(input: LintInput, error: OmnigraphError): LintReport {
  const output = summarize(input, [], [{ severity: "error", code: "Q000", message: error.message }]);
  return { output, lines: [...errorLines("ERROR Q000: ", error), lastLine(output)] };
}

/** A bug is thrown on. */
function expectOurs(thrown: unknown): OmnigraphError {
  if (thrown instanceof OmnigraphError) return thrown;
  throw thrown;
}

interface LintedQuery {
  readonly result: LintResult;
  /** Null where the query does not check; then there is an error. */
  readonly plan: QueryPlan | null;
  readonly error: OmnigraphError | null;
}

function lintQuery(declaration: QueryDeclaration, catalog: Catalog): LintedQuery {
  const { name, kind } = declaration;
  try {
    const plan = checkQuery(declaration, catalog);
    const warnings = warningsOf(declaration, plan);
    const operation = describeOperation(plan, catalog);
    return { plan, error: null, result: { name, kind, status: "ok", ...warnings, operation } };
  } catch (thrown) {
    const error = expectOurs(thrown);
    const warnings = warningsOf(declaration, null);
    const result = { name, kind, status: "error", ...warnings, error: error.message } as const;
    return { plan: null, error, result };
  }
}

function warningsOf(declaration: QueryDeclaration, plan: QueryPlan | null): Pick<LintResult, "warnings"> {
  const warnings: string[] = [];
  if (declaration.kind === "mutation" && declaration.params.length === 0) {
    warnings.push("mutation declares no params; hardcoded mutations are easy to miss");
  }
  if (plan?.kind === "read") {
    for (const column of repeated(plan.items.map((item) => item.column))) {
      warnings.push(`column '${column}' is returned more than once; rows keep the last value`);
    }
  }
  return warnings.length === 0 ? {} : { warnings };
}

function repeated(names: readonly string[]): Set<string> {
  const seen = new Set<string>();
  return new Set(names.filter((name) => seen.size === seen.add(name).size));
}

interface Updates {
  readonly type: NodeType;
  readonly properties: Set<string>;
  readonly queries: Set<string>;
}

/** L201: nullable properties that no update sets, of the types that some update sets. */
function findUnsetProperties(plans: readonly QueryPlan[]): LintFinding[] {
  const findings = collectUpdates(plans).flatMap(({ type, properties, queries }) =>
    settableNames(type)
      .filter((name) => !properties.has(name))
      .map((name) => ({
        severity: "warning" as const,
        code: "L201",
        message: `${type.name}.${name} exists in schema but no update query sets it`,
        type_name: type.name,
        property: name,
        query_names: [...queries].sort(compareUtf8),
      })),
  );
  return findings.sort(
    (a, b) => compareUtf8(a.type_name, b.type_name) || compareUtf8(a.property, b.property),
  );
}

function collectUpdates(plans: readonly QueryPlan[]): Updates[] {
  const byType = new Map<number, Updates>();
  for (const plan of plans) {
    if (plan.kind === "read") continue;
    for (const statement of plan.statements) {
      if (statement.kind !== "update") continue;
      const { type } = statement;
      const updates = byType.get(type.id) ?? { type, properties: new Set(), queries: new Set() };
      byType.set(type.id, updates);
      updates.queries.add(plan.name);
      for (const { property } of statement.assignments) {
        if (property !== null) updates.properties.add(property.name);
      }
    }
  }
  return [...byType.values()];
}

/** Properties that a client may leave null and set later: no key, and no vector that is made from a text. */
function settableNames(type: NodeType): string[] {
  const isKey = (id: number) => type.key?.some((key) => key.id === id) ?? false;
  return type.properties
    .filter((property) => property.type.nullable && property.embed === null && !isKey(property.id))
    .map(({ name }) => name);
}

function summarize(
  input: LintInput,
  results: readonly LintResult[],
  findings: readonly LintFinding[],
): LintOutput {
  const count = (severity: LintFinding["severity"]) =>
    findings.filter((finding) => finding.severity === severity).length;
  const errors = results.filter(({ status }) => status === "error").length + count("error");
  const resultWarnings = results.reduce((sum, { warnings }) => sum + (warnings?.length ?? 0), 0);
  return {
    status: errors > 0 ? "error" : "ok",
    schema_source: input.schema_source,
    query_path: input.query_path,
    queries_processed: results.length,
    errors,
    warnings: resultWarnings + count("warning"),
    infos: count("info"),
    results,
    findings,
  };
}

// ---- lines for people ----

const SEVERITY_WORDS = { error: "ERROR", warning: "WARN ", info: "INFO " } as const;

const plainLine = (text: string): LintLine => ({ text, problem: null });

function resultLines({ result, error }: LintedQuery): LintLine[] {
  const { name, kind, warnings = [] } = result;
  return [
    ...(error === null
      ? [plainLine(`OK    query \`${name}\` (${kind})`)]
      : errorLines(`ERROR query \`${name}\`: `, error)),
    ...warnings.map((warning) => plainLine(`WARN  query \`${name}\`: ${warning}`)),
  ];
}

/** A line for each problem that the error tells. */
function errorLines(head: string, error: OmnigraphError): LintLine[] {
  return toldProblems(error).map(({ text, problem }) => ({ text: head + text, problem }));
}

function lastLine({ queries_processed, errors, warnings, infos }: LintOutput): LintLine {
  const counts = `${errors} error(s), ${warnings} warning(s), ${infos} info item(s)`;
  return plainLine(`INFO  Lint complete: ${queries_processed} queries processed (${counts})`);
}
