// Cluster outputs for people. Each takes the object that `--json` prints, so that the two can never disagree.

import { isJsonObject, type JsonObject, type JsonValue, stringifyJson } from "../lib/json.ts";

const objects = (value: JsonValue | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter((item: JsonValue) => isJsonObject(item)) : [];
const object = (value: JsonValue | undefined): JsonObject => (isJsonObject(value) ? value : {});
const text = (value: JsonValue | undefined): string => (value === undefined ? "" : String(value));
const count = (value: JsonValue | undefined): number =>
  Array.isArray(value) ? value.length : Object.keys(object(value)).length;

function withDiagnostics(output: JsonObject, lines: readonly string[]): string {
  const diagnostics = objects(output.diagnostics).map(({ severity, code, path, message }) => {
    const word = severity === "error" ? "ERROR" : "WARN ";
    return `${word} ${text(code)} ${text(path)}: ${text(message)}`;
  });
  return `${[...lines, ...diagnostics].join("\n")}\n`;
}

export function renderValidate(output: JsonObject): string {
  const summary =
    output.ok === true
      ? `cluster config valid: ${count(output.resources)} resource(s), ${count(output.dependencies)} dependency edge(s)`
      : "cluster config invalid";
  return withDiagnostics(output, [summary]);
}

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

const changeLine = ({ operation, resource, binding_change }: JsonObject): string =>
  `  ${capital(text(operation))} ${text(resource)}${binding_change === true ? " [bindings]" : ""}`;

export function renderPlan(output: JsonObject): string {
  if (output.ok !== true) return withDiagnostics(output, ["cluster plan failed"]);
  const changes = objects(output.changes);
  const lines = changes.flatMap((change) => [changeLine(change), ...migrationLines(change.migration)]);
  const summary = `cluster plan: ${changes.length} change(s), ${count(output.approvals_required)} approval gate(s)`;
  return withDiagnostics(output, [summary, ...(lines.length === 0 ? ["  no changes"] : lines)]);
}

function migrationLines(migration: JsonValue | undefined): string[] {
  if (!isJsonObject(migration)) return [];
  const steps = objects(migration.steps).map((step) => `    ${stringifyJson(step)}`);
  return migration.supported === true ? steps : ["    migration UNSUPPORTED:", ...steps];
}

export function renderApply(output: JsonObject): string {
  const lines = objects(output.changes).map((change) => {
    const reason = change.reason === undefined ? "" : `: ${text(change.reason)}`;
    return `${changeLine(change)} [${capital(text(change.disposition))}${reason}]`;
  });
  if (output.ok !== true) return withDiagnostics(output, ["cluster apply failed", ...lines]);
  const { state_revision: revision } = object(output.state_observations);
  return withDiagnostics(output, [
    `cluster apply: ${text(output.applied_count)} applied, ${text(output.deferred_count)} deferred/blocked`,
    ...lines,
    `  state: revision ${text(revision)}, converged: ${text(output.converged)}, written: ${text(output.state_written)}`,
    "  a running server serves the applied revision after its next restart",
  ]);
}

export function renderStatus(output: JsonObject): string {
  const seen = object(output.state_observations);
  if (output.ok !== true) return withDiagnostics(output, ["cluster status failed"]);
  const summary =
    seen.state_found === true
      ? [
          `cluster state: revision ${text(seen.state_revision)}, ${text(seen.resource_count)} resource(s)`,
          `  applied config: ${seen.applied_config_digest === undefined ? "none" : text(seen.applied_config_digest)}`,
        ]
      : ["cluster state missing"];
  return withDiagnostics(output, [...summary, lockLine(seen)]);
}

function lockLine(seen: JsonObject): string {
  return seen.locked === true ? `  lock: held (${lockFields(seen)})` : "  lock: not held";
}

function lockFields(seen: JsonObject): string {
  const fields: readonly (readonly [string, JsonValue | undefined])[] = [
    ["id", seen.lock_id],
    ["operation", seen.lock_operation],
    ["pid", seen.lock_pid],
    ["created_at", seen.lock_created_at],
    ["age_seconds", seen.lock_age_seconds],
  ];
  return fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${text(value)}`)
    .join(", ");
}

export function renderImport(output: JsonObject): string {
  const operation = text(output.operation);
  if (output.ok !== true) return withDiagnostics(output, [`cluster ${operation} failed`]);
  const seen = object(output.state_observations);
  return withDiagnostics(output, [
    `cluster ${operation}: revision ${text(seen.state_revision)}, ${text(seen.resource_count)} resource(s)`,
    `  state_cas: ${text(seen.state_cas)}`,
    `  lock: ${seen.lock_acquired === true ? "acquired" : "not acquired"}`,
  ]);
}

export function renderForceUnlock(output: JsonObject): string {
  const seen = object(output.state_observations);
  if (output.lock_removed === true) {
    return withDiagnostics(output, [`cluster force-unlock: removed lock (${lockFields(seen)})`]);
  }
  return withDiagnostics(output, [
    "cluster force-unlock failed",
    ...(seen.lock_id === undefined ? [] : [lockLine(seen)]),
  ]);
}
