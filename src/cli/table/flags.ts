// Flags that several commands share, so that they read and behave the same everywhere.

import type { FlagSpec, PositionalSpec, ScopeFlag } from "../spec.ts";

export const OUTPUT_FORMATS = ["table", "kv", "csv", "jsonl", "json"] as const;
const LOAD_MODES = ["overwrite", "append", "merge"] as const;

export const READS: readonly ScopeFlag[] = ["server", "graph", "store", "profile"];
export const WRITES: readonly ScopeFlag[] = [...READS, "as"];
export const MAINTAINS: readonly ScopeFlag[] = ["cluster", "graph", "store", "profile"];
export const CLUSTER_READS: readonly ScopeFlag[] = ["cluster", "graph", "profile"];

export const URI: PositionalSpec = {
  name: "URI",
  help: "the storage of one graph: a path, file:// or s3://",
};

export const json: FlagSpec = { name: "json", help: "print one JSON document" };
export const uri: FlagSpec = { name: "uri", value: "URI", help: URI.help };

const BRANCH_NAME = { names: "branch name" };

export function branch(help = "the branch"): FlagSpec {
  return { name: "branch", value: "BRANCH", help, fallback: "main", ...BRANCH_NAME };
}
/** A branch to start from. */
export function from(help: string): FlagSpec {
  return { name: "from", value: "BASE", help, ...BRANCH_NAME };
}
export const into: FlagSpec = {
  name: "into",
  value: "TARGET",
  help: "the branch to merge into",
  fallback: "main",
  ...BRANCH_NAME,
};
/** A branch that stands without a flag. */
export function branchWord(name: string, help: string): PositionalSpec {
  return { name, help, required: true, ...BRANCH_NAME };
}

export const snapshot: FlagSpec = {
  name: "snapshot",
  value: "COMMIT",
  help: "read the graph as this commit left it",
  excludes: ["branch"],
};

export const queryFile: FlagSpec = {
  name: "query",
  value: "FILE",
  help: "a .gq file (- reads stdin)",
  excludes: ["query-string"],
};
export const queryString: FlagSpec = {
  name: "query-string",
  short: "e",
  value: "GQ",
  help: "the query itself",
};
export const params: FlagSpec = {
  name: "params",
  value: "JSON",
  help: "parameters as a JSON object",
  excludes: ["params-file"],
};
export const paramsFile: FlagSpec = {
  name: "params-file",
  value: "FILE",
  help: "a file with the parameters (- reads stdin)",
};
export const format: FlagSpec = {
  name: "format",
  value: "FORMAT",
  help: "how rows are printed",
  choices: OUTPUT_FORMATS,
  fallback: "table",
  excludes: ["json"],
};

export const schemaFile: FlagSpec = {
  name: "schema",
  value: "FILE",
  help: "a .pg file (- reads stdin)",
  required: true,
};
export const allowDataLoss: FlagSpec = {
  name: "allow-data-loss",
  help: "let drops make the dropped data unreadable",
};

export const data: FlagSpec = {
  name: "data",
  value: "FILE",
  help: "an NDJSON file (- reads stdin)",
  required: true,
};
export const mode: FlagSpec = {
  name: "mode",
  value: "MODE",
  help: "overwrite the types in the file, append new entities only, or merge by id",
  choices: LOAD_MODES,
};

/** Filters of the entity changes. */
export const changeFilters: readonly FlagSpec[] = [
  {
    name: "kind",
    value: "KIND",
    help: "only this kind of entity",
    choices: ["node", "edge"],
    repeatable: true,
  },
  { name: "type", value: "TYPE", help: "only this type", repeatable: true },
  {
    name: "op",
    value: "OP",
    help: "only this operation",
    choices: ["insert", "update", "delete"],
    repeatable: true,
  },
];
export const pageLimit: FlagSpec = { name: "limit", value: "N", help: "entries a page", integer: true };
export const pageToken: FlagSpec = {
  name: "page-token",
  value: "TOKEN",
  help: "print exactly the page that this token names",
};

/** The folder of `cluster.yaml`. */
export const config: FlagSpec = {
  name: "config",
  value: "DIR",
  help: "the directory that holds cluster.yaml",
  fallback: ".",
};
