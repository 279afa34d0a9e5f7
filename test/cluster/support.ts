// Cluster folders for tests: files in a temporary directory, with the harbour's schema, queries and policies at hand.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readClusterConfig } from "../../src/cluster/config.ts";
import { type Desired, loadDesired } from "../../src/cluster/desired.ts";
import { Sources } from "../../src/cluster/sources.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../src/lib/json.ts";
import { systemPorts } from "../../src/lib/ports.ts";

export const ports = systemPorts();

export const FLEET_SCHEMA = "node Ship { imo: String @key  name: String?  flag: String? }\n";
export const SHIP_QUERIES = `query ship_by_imo($imo: String) { match { $s: Ship { imo: $imo } } return { $s.imo } }
query all_ships() { match { $s: Ship } return { $s.imo } }
`;
export const PORT_QUERY = "query flags() { match { $s: Ship } return { $s.flag } }\n";
export const CREW_POLICY = `version: 1
groups: { crew: [mira] }
rules:
  - id: crew-read
    allow: { actors: { group: crew }, actions: [read, invoke_query] }
`;
export const SERVER_POLICY = `version: 1
groups: { crew: [mira] }
rules:
  - id: crew-list
    allow: { actors: { group: crew }, actions: [graph_list] }
`;

/** One graph with queries, a graph policy and a server policy: everything but providers and blobs. */
export const HARBOUR: Readonly<Record<string, string>> = {
  "cluster.yaml": `version: 1
metadata: { name: harbour }
graphs:
  fleet:
    schema: fleet.pg
    queries: queries/
policies:
  crew: { file: policies/crew.yaml, applies_to: [fleet] }
  topology: { file: policies/server.yaml, applies_to: [cluster] }
`,
  "fleet.pg": FLEET_SCHEMA,
  "queries/ships.gq": SHIP_QUERIES,
  "queries/flags.gq": PORT_QUERY,
  "policies/crew.yaml": CREW_POLICY,
  "policies/server.yaml": SERVER_POLICY,
};

const folders: string[] = [];

/** A new folder with these files; removed by `removeFolders`. */
export function folder(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "omnigraph-cluster-"));
  folders.push(directory);
  writeFiles(directory, files);
  return directory;
}

export function writeFiles(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}

export function removeFolders(): void {
  for (const directory of folders.splice(0)) rmSync(directory, { recursive: true, force: true });
}

export const items = (value: JsonValue | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter((item: JsonValue) => isJsonObject(item)) : [];

export const member = (value: JsonValue | undefined, key: string): JsonValue | undefined =>
  isJsonObject(value) ? value[key] : undefined;

/** `code path` of every diagnostic, in order. */
export const codes = (output: JsonObject): string[] =>
  items(output.diagnostics).map(({ code, path }) => `${String(code)} ${String(path)}`);

export const messages = (output: JsonObject): string =>
  items(output.diagnostics)
    .map(({ message }) => String(message))
    .join("\n");

/** `address operation disposition[:reason]` of every change, in order. */
export const changes = (output: JsonObject): string[] =>
  items(output.changes).map(({ resource, operation, disposition, reason }) =>
    [
      resource,
      operation,
      reason === undefined ? disposition : `${String(disposition)}:${String(reason)}`,
    ].join(" "),
  );

/** What a folder declares, whatever is wrong with it. */
export async function desiredOf(directory: string): Promise<Desired> {
  const read = await readClusterConfig(directory);
  if (!read.ok) throw new Error(read.diagnostics[0]?.message);
  return (await loadDesired(read.config, new Sources(directory))).desired;
}
