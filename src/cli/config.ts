// The operator config: who works here, and the names that this person gave to servers, clusters and scopes.

import { badRequest } from "../lib/errors.ts";
import type { JsonObject } from "../lib/json.ts";
import type { Ports } from "../lib/ports.ts";
import { type ConfigMap, ConfigShapeError, readConfigMap } from "./config-reader.ts";
import { readTextFile } from "./files.ts";
import { OUTPUT_FORMATS } from "./table/flags.ts";

export type OutputFormat = (typeof OUTPUT_FORMATS)[number];
const CELL_LAYOUTS = ["truncate", "wrap"] as const;
const TABLE_COLUMN_WIDTH_DEFAULT = 80;

export interface Profile {
  readonly server: string | null;
  readonly cluster: string | null;
  readonly store: string | null;
  readonly defaultGraph: string | null;
}

export interface Alias {
  readonly server: string;
  readonly graph: string | null;
  readonly query: string;
  readonly args: readonly string[];
  readonly params: JsonObject;
  readonly format: OutputFormat | null;
}

export interface OperatorConfig {
  readonly actor: string | null;
  readonly defaults: {
    readonly output: OutputFormat | null;
    readonly tableMaxColumnWidth: number;
    readonly tableCellLayout: (typeof CELL_LAYOUTS)[number];
    readonly server: string | null;
    readonly store: string | null;
    readonly defaultGraph: string | null;
  };
  /** Base URLs by name. */
  readonly servers: ReadonlyMap<string, string>;
  /** Storage roots or config directories by name. */
  readonly clusters: ReadonlyMap<string, string>;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly aliases: ReadonlyMap<string, Alias>;
}

type Warn = (text: string) => Promise<void>;

/** The directory of `config.yaml` and `credentials`, or null where this process has no home. */
export function operatorDirectory(ports: Ports): string | null {
  const home = ports.env.HOME || ports.env.USERPROFILE || null;
  const chosen = ports.env.OMNIGRAPH_HOME;
  if (chosen === undefined || chosen === "") return home === null ? null : `${trimSlash(home)}/.omnigraph`;
  if (chosen !== "~" && !chosen.startsWith("~/")) return chosen;
  return home === null ? null : trimSlash(home) + chosen.slice(1);
}

const trimSlash = (path: string) => path.replace(/\/+$/, "");

/** Reads and checks the whole file; an absent one is an empty layer. */
export async function readOperatorConfig(ports: Ports, warn: Warn): Promise<OperatorConfig> {
  const config = await readLayer(ports, warn, readConfig);
  const { server, store, defaultGraph } = config.defaults;
  if (server !== null && store !== null) {
    throw badRequest(
      "defaults.server and defaults.store are both set in the operator config: it binds one entity",
    );
  }
  if (store !== null && defaultGraph !== null) {
    throw badRequest(
      "defaults.store and defaults.default_graph are both set in the operator config: a store is already a single graph",
    );
  }
  return config;
}

/**
 * Who a cluster command acts as where no flag says so: `operator.actor`, else `cli.actor` of an old project file in the
 * working directory, else nobody. Nothing else of either file is looked at.
 */
export async function clusterActor(ports: Ports, directory: string): Promise<string | null> {
  const ignore = async () => {};
  const actor = await readLayer(ports, ignore, (root) => root.map("operator").string("actor"));
  if (actor !== null) return actor;
  const path = `${directory}/omnigraph.yaml`;
  const text = await readConfigFile(path, "legacy project file");
  if (text === null) return null;
  try {
    return (await readConfigMap(text, () => {})).map("cli").string("actor");
  } catch (thrown) {
    if (!(thrown instanceof ConfigShapeError)) throw thrown;
    throw badRequest(`could not parse legacy project file ${path}: ${thrown.message}`);
  }
}

async function readLayer<T>(ports: Ports, warn: Warn, read: (root: ConfigMap) => T): Promise<T> {
  const directory = operatorDirectory(ports);
  const path = directory === null ? null : `${directory}/config.yaml`;
  const text = path === null ? null : await readConfigFile(path, "operator config");
  const unknown: string[] = [];
  try {
    const layer = read(await readConfigMap(text ?? "", (key) => unknown.push(key)));
    for (const key of unknown) await warn(`unknown key \`${key}\` in the operator config ${path} is ignored`);
    return layer;
  } catch (thrown) {
    if (!(thrown instanceof ConfigShapeError)) throw thrown;
    throw badRequest(`could not parse operator config ${path}: ${thrown.message}`);
  }
}

async function readConfigFile(path: string, what: string): Promise<string | null> {
  try {
    return await readTextFile(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw badRequest(`could not read ${what} ${path}: ${(thrown as Error).message}`);
  }
}

function readConfig(root: ConfigMap): OperatorConfig {
  root.knows("operator", "defaults", "servers", "clusters", "profiles", "aliases");
  const operator = root.map("operator");
  operator.knows("actor");
  const defaults = root.map("defaults");
  defaults.knows("output", "table_max_column_width", "table_cell_layout", "server", "store", "default_graph");
  return {
    actor: operator.string("actor"),
    defaults: {
      output: defaults.choice("output", OUTPUT_FORMATS),
      tableMaxColumnWidth: defaults.positiveInteger("table_max_column_width") ?? TABLE_COLUMN_WIDTH_DEFAULT,
      tableCellLayout: defaults.choice("table_cell_layout", CELL_LAYOUTS) ?? "truncate",
      server: defaults.string("server"),
      store: defaults.string("store"),
      defaultGraph: defaults.string("default_graph"),
    },
    servers: root.map("servers").entries((entry) => {
      entry.knows("url");
      return entry.required("url");
    }),
    clusters: root.map("clusters").entries((entry) => {
      entry.knows("root");
      return entry.required("root");
    }),
    profiles: root.map("profiles").entries((entry) => {
      entry.knows("server", "cluster", "store", "default_graph");
      return {
        server: entry.string("server"),
        cluster: entry.string("cluster"),
        store: entry.string("store"),
        defaultGraph: entry.string("default_graph"),
      };
    }),
    aliases: root.map("aliases").entries((entry) => {
      entry.knows("server", "graph", "query", "args", "params", "format");
      return {
        server: entry.required("server"),
        graph: entry.string("graph"),
        query: entry.required("query"),
        args: entry.strings("args"),
        params: entry.json("params"),
        format: entry.choice("format", OUTPUT_FORMATS),
      };
    }),
  };
}
