// A real cluster in a temporary folder, applied and served: what a deployment does, without the binary.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { applyCluster, importCluster } from "../../../src/cluster/index.ts";
import { systemPorts } from "../../../src/lib/ports.ts";
import { type RunningServer, type ServerOptions, startServer } from "../../../src/server/index.ts";

export const HARBOR_SCHEMA = `node Vessel {
  imo: String @key
  name: String
  flag: String?
}
node Port {
  code: String @key
}
edge DockedAt: Vessel -> Port
`;

export const HARBOR_QUERIES = `query by_flag($flag: String) {
  match { $v: Vessel { flag: $flag } }
  return { $v.imo, $v.name }
  order { $v.imo }
}
query add_vessel($imo: String, $name: String) {
  insert Vessel { imo: $imo, name: $name }
}
`;

export interface ClusterDescription {
  /** Bundle text and scopes by policy name. */
  readonly policies?: Readonly<
    Record<string, { readonly text: string; readonly appliesTo: readonly string[] }>
  >;
  /** Ids of the graphs, all with the schema of the harbor. */
  readonly graphs?: readonly string[];
}

const madeFolders: string[] = [];
const running: RunningServer[] = [];

/** Stops every server and removes every folder that a test made. */
export async function cleanUp(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  for (const folder of madeFolders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** A new temporary folder, gone after `cleanUp`. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "omnigraph-server-"));
  madeFolders.push(folder);
  return folder;
}

/** Writes a cluster folder, imports and applies it. */
export async function appliedCluster({
  policies = {},
  graphs = ["harbor"],
}: ClusterDescription = {}): Promise<string> {
  const folder = temporaryFolder();
  const files: Record<string, string> = {
    "harbor.pg": HARBOR_SCHEMA,
    "queries/harbor.gq": HARBOR_QUERIES,
    "cluster.yaml": clusterYaml(graphs, policies),
  };
  for (const [name, { text }] of Object.entries(policies)) files[`${name}.yaml`] = text;
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const options = { configDir: folder, ports: systemPorts() };
  for (const result of [await importCluster(options), await applyCluster({ ...options, actor: null })]) {
    if (result.ok !== true)
      throw new Error(`the cluster of the test is wrong: ${JSON.stringify(result.diagnostics)}`);
  }
  return folder;
}

function clusterYaml(
  graphs: readonly string[],
  policies: NonNullable<ClusterDescription["policies"]>,
): string {
  const graphLines = graphs.map((id) => `  ${id}: { schema: harbor.pg, queries: queries/ }`);
  const policyLines = Object.entries(policies).map(
    ([name, { appliesTo }]) => `  ${name}: { file: ${name}.yaml, applies_to: [${appliesTo.join(", ")}] }`,
  );
  return [
    "version: 1",
    "graphs:",
    ...graphLines,
    ...(policyLines.length === 0 ? [] : ["policies:", ...policyLines]),
    "",
  ].join("\n");
}

export interface ServedCluster {
  readonly server: RunningServer;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Sends JSON, or a body as it is. */
  readonly send: (method: string, path: string, options?: SendOptions) => Promise<Response>;
}

export interface SendOptions {
  readonly token?: string;
  readonly json?: unknown;
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Serves an applied cluster on a free port. */
export async function serveCluster(
  cluster: string,
  options: Partial<ServerOptions> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<ServedCluster> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const server = await startServer(
    { cluster, bind: "127.0.0.1:0", unauthenticated: false, requireAllGraphs: false, ...options },
    {
      ports: { ...systemPorts(), env },
      stdout: { write: async (text) => void stdout.push(text) },
      stderr: { write: async (text) => void stderr.push(text) },
    },
  );
  running.push(server);
  return {
    server,
    stdout: () => stdout.join(""),
    stderr: () => stderr.join(""),
    send: (method, path, { token, json, body, headers } = {}) =>
      fetch(`http://${server.address}${path}`, {
        method,
        body: json === undefined ? body : JSON.stringify(json),
        headers: {
          ...(json === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
      }),
  };
}
