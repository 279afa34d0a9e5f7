// Commands on the data and history of one graph, served or on storage.

import type { CommandSpec } from "../spec.ts";
import * as flag from "./flags.ts";

const queryCommand = () => import("../commands/query.ts");
const blobCommand = () => import("../commands/blob.ts");
const branchCommand = () => import("../commands/branch.ts");
const commitCommand = () => import("../commands/commit.ts");
const changesCommand = () => import("../commands/changes.ts");
const schemaCommand = () => import("../commands/schema.ts");
const loadCommand = () => import("../commands/load.ts");

export const query: CommandSpec = {
  name: "query",
  capability: "any",
  summary: "Run a read query",
  about:
    "With --query or -e the given source runs, and NAME selects a query in it. Without them NAME is a stored query of the server.",
  examples: [
    "omnigraph query --query ships.gq --store ./fleet.omni",
    'omnigraph query ships_in_port --server harbor --graph atlas --params \'{"port":"Oslo"}\'',
    "omnigraph query -e 'query q() { match { $s: Ship } return { $s.name } }' --format csv",
  ],
  aliases: [{ name: "read", visible: true, deprecated: true }],
  accepts: flag.READS,
  positionals: [{ name: "NAME", help: "a query of the source, or a stored query of the server" }],
  flags: [
    flag.queryFile,
    flag.queryString,
    flag.params,
    flag.paramsFile,
    flag.branch("the branch to read"),
    flag.snapshot,
    { name: "explain", help: "print how the rows are found instead of the rows; both with --json" },
    flag.format,
    flag.json,
  ],
  load: async () => (await queryCommand()).query,
};

export const mutate: CommandSpec = {
  name: "mutate",
  capability: "any",
  summary: "Run a mutation: one query, one commit",
  about:
    "With --query or -e the given source runs, and NAME selects a query in it. Without them NAME is a stored query of the server.",
  examples: [
    "omnigraph mutate -e 'query m($n: String) { insert Ship { name: $n } }' --params '{\"n\":\"Aurora\"}' --store ./fleet.omni",
    "omnigraph mutate rename --query ships.gq --branch refit --as act-nina --store ./fleet.omni",
    "omnigraph mutate rename --server harbor --graph atlas --if-commit 01JZX0M4T0C1QK8W3N5E7R9B2D",
  ],
  aliases: [{ name: "change", visible: true, deprecated: true }],
  accepts: flag.WRITES,
  positionals: [{ name: "NAME", help: "a query of the source, or a stored query of the server" }],
  flags: [
    flag.queryFile,
    flag.queryString,
    flag.params,
    flag.paramsFile,
    flag.branch("the branch to write"),
    {
      name: "if-commit",
      value: "ID",
      help: "run only while the branch head is this commit (exit 4 if not)",
      names: "commit id",
    },
    flag.json,
  ],
  load: async () => (await queryCommand()).mutate,
};

export const alias: CommandSpec = {
  name: "alias",
  capability: "local",
  summary: "Run a stored query under a name of the operator config",
  about: "The alias fixes the server, the graph and the stored query; words become its parameters in order.",
  examples: ["omnigraph alias docked Oslo", "omnigraph alias docked --params '{\"limit\":2}' --format kv"],
  positionals: [
    { name: "NAME", help: "a key of aliases: in the operator config", required: true },
    { name: "ARG", help: "values of the alias's parameters, in order", rest: true },
  ],
  flags: [flag.params, flag.paramsFile, flag.format, flag.json],
  load: async () => (await import("../commands/alias.ts")).alias,
};

export const load: CommandSpec = {
  name: "load",
  capability: "any",
  summary: "Load an NDJSON file: one file, one commit",
  examples: [
    "omnigraph load ./fleet.omni --data ships.ndjson --mode append",
    "omnigraph load --server harbor --graph atlas --data ships.ndjson --mode merge --branch intake --from main",
  ],
  accepts: flag.WRITES,
  positionals: [flag.URI],
  flags: [
    flag.data,
    { ...flag.mode, required: true },
    flag.branch("the branch to load into"),
    flag.from("fork the branch from this one where it is missing"),
    flag.json,
  ],
  load: async () => (await loadCommand()).load,
};

export const ingest: CommandSpec = {
  name: "ingest",
  capability: "any",
  summary: "Load an NDJSON file permissively",
  hidden: true,
  deprecation: "`omnigraph ingest` is a deprecated loader command; prefer `omnigraph load`",
  accepts: flag.WRITES,
  positionals: [flag.URI],
  flags: [
    flag.data,
    { ...flag.mode, fallback: "merge" },
    flag.branch("the branch to load into"),
    { ...flag.from("fork the branch from this one where it is missing"), fallback: "main" },
    flag.json,
  ],
  load: async () => (await loadCommand()).ingest,
};

export const branch: CommandSpec = {
  name: "branch",
  capability: "any",
  summary: "Create, list, delete and merge branches",
  subcommands: [
    {
      name: "create",
      label: "branch",
      capability: "any",
      summary: "Fork a branch",
      examples: ["omnigraph branch create refit --store ./fleet.omni"],
      accepts: flag.WRITES,
      positionals: [flag.branchWord("NAME", "the new branch")],
      flags: [{ ...flag.from("the branch to fork"), fallback: "main" }, flag.uri, flag.json],
      load: async () => (await branchCommand()).branchCreate,
    },
    {
      name: "list",
      label: "branch",
      capability: "any",
      summary: "List the branches",
      accepts: flag.READS,
      ignoresActor: true,
      flags: [flag.uri, flag.json],
      load: async () => (await branchCommand()).branchList,
    },
    {
      name: "delete",
      label: "branch",
      capability: "any",
      summary: "Delete a branch",
      accepts: flag.WRITES,
      positionals: [flag.branchWord("NAME", "the branch")],
      flags: [flag.uri, flag.json],
      load: async () => (await branchCommand()).branchDelete,
    },
    {
      name: "merge",
      label: "branch",
      capability: "any",
      summary: "Merge a branch into another",
      examples: ["omnigraph branch merge refit --into main --delete-branch --store ./fleet.omni"],
      accepts: flag.WRITES,
      positionals: [flag.branchWord("SOURCE", "the branch to merge")],
      flags: [
        flag.into,
        { name: "delete-branch", help: "delete the source after the merge" },
        flag.uri,
        flag.json,
      ],
      load: async () => (await branchCommand()).branchMerge,
    },
  ],
};

export const snapshot: CommandSpec = {
  name: "snapshot",
  capability: "any",
  summary: "Show versions and entity counts of every type",
  accepts: flag.READS,
  ignoresActor: true,
  positionals: [flag.URI],
  flags: [flag.branch(), flag.snapshot, flag.json],
  load: async () => (await loadCommand()).showSnapshot,
};

export const exportGraph: CommandSpec = {
  name: "export",
  capability: "any",
  summary: "Print the graph as NDJSON that load reads",
  examples: ["omnigraph export ./fleet.omni --type Ship > ships.ndjson"],
  accepts: flag.READS,
  ignoresActor: true,
  positionals: [flag.URI],
  flags: [
    flag.branch(),
    flag.snapshot,
    { name: "type", value: "TYPE", help: "only this node or edge type", repeatable: true },
    {
      name: "jsonl",
      help: "accepted for old scripts",
      hidden: true,
      deprecation: "--jsonl is deprecated; NDJSON is the only format",
    },
  ],
  load: async () => (await loadCommand()).exportGraph,
};

const blobSelector: CommandSpec["positionals"] = [
  { name: "KIND", help: "node or edge", required: true, choices: ["node", "edge"] },
  { name: "TYPE", help: "the type", required: true },
  { name: "ID", help: "the entity's id", required: true },
  { name: "PROPERTY", help: "a Blob property", required: true },
];

export const blob: CommandSpec = {
  name: "blob",
  capability: "any",
  summary: "Read Blob values",
  subcommands: [
    {
      name: "get",
      capability: "any",
      summary: "Write the bytes of a Blob to stdout or a file",
      accepts: flag.READS,
      positionals: blobSelector,
      flags: [
        flag.branch(),
        flag.snapshot,
        { name: "offset", value: "N", help: "the first byte", integer: true },
        { name: "length", value: "N", help: "how many bytes", integer: true },
        { name: "out", value: "FILE", help: "write to this file" },
      ],
      load: async () => (await blobCommand()).blobGet,
    },
    {
      name: "stat",
      capability: "any",
      summary: "Show size and kind of a Blob without reading it",
      accepts: flag.READS,
      positionals: blobSelector,
      flags: [flag.branch(), flag.snapshot, flag.json],
      load: async () => (await blobCommand()).blobStat,
    },
  ],
};

export const commit: CommandSpec = {
  name: "commit",
  capability: "any",
  summary: "Show the history",
  subcommands: [
    {
      name: "list",
      label: "commit",
      capability: "any",
      summary: "List the commits of a branch, newest first",
      accepts: flag.READS,
      positionals: [flag.URI],
      examples: ["omnigraph commit list --limit 20 ./fleet.omni"],
      flags: [
        flag.branch(),
        { name: "limit", value: "N", help: "at most so many, and a token for the rest", integer: true },
        { ...flag.pageToken, help: "go on where the page that gave this token ended" },
        flag.json,
      ],
      load: async () => (await commitCommand()).commitList,
    },
    {
      name: "show",
      label: "commit",
      capability: "any",
      summary: "Show one commit",
      accepts: flag.READS,
      positionals: [{ name: "COMMIT", help: "the commit's id", required: true }],
      flags: [flag.uri, flag.json],
      load: async () => (await commitCommand()).commitShow,
    },
    {
      name: "changes",
      label: "commit",
      capability: "any",
      summary: "Show what a commit changed, entity by entity",
      about: "A commit is compared with its first parent. Without --page-token all pages are printed as one.",
      examples: [
        "omnigraph commit changes 01JZX0M4T0C1QK8W3N5E7R9B2D --store ./fleet.omni",
        "omnigraph commit changes 01JZX0M4T0C1QK8W3N5E7R9B2D --type Ship --op update --json --store ./fleet.omni",
      ],
      accepts: flag.READS,
      positionals: [{ name: "COMMIT", help: "the commit's id", required: true }],
      flags: [flag.pageLimit, flag.pageToken, ...flag.changeFilters, flag.uri, flag.json],
      load: async () => (await changesCommand()).commitChanges,
    },
  ],
};

export const changes: CommandSpec = {
  name: "changes",
  capability: "any",
  summary: "Follow the changes of a branch",
  subcommands: [
    {
      name: "poll",
      capability: "any",
      summary: "Print the changes since a cursor",
      about: "Ends with the cursor for the next poll. The same filters belong to every poll of one cursor.",
      examples: [
        "omnigraph changes poll --start beginning --store ./fleet.omni",
        "omnigraph changes poll --cursor $CURSOR --type Ship --json --server harbor --graph atlas",
      ],
      accepts: flag.READS,
      flags: [
        { name: "cursor", value: "CURSOR", help: "where the last poll ended", excludes: ["start"] },
        { name: "start", value: "START", help: "now, beginning or after:<commit>", fallback: "now" },
        flag.branch(),
        flag.pageLimit,
        ...flag.changeFilters,
        flag.uri,
        flag.json,
      ],
      load: async () => (await changesCommand()).changesPoll,
    },
    {
      name: "baseline",
      capability: "any",
      summary: "Write a snapshot and the cursor that follows it",
      about:
        "The file is replaced as a whole, or stays as it was; the cursor is printed when it is there to stay.",
      examples: ["omnigraph changes baseline --out fleet.ndjson --store ./fleet.omni"],
      accepts: flag.READS,
      flags: [
        { name: "out", value: "FILE", help: "the file to replace", required: true },
        flag.branch(),
        ...flag.changeFilters,
        flag.uri,
        flag.json,
      ],
      load: async () => (await import("../commands/baseline.ts")).changesBaseline,
    },
  ],
};

export const schema: CommandSpec = {
  name: "schema",
  capability: "any",
  summary: "Show the schema and change it",
  subcommands: [
    {
      name: "plan",
      label: "schema plan",
      capability: "direct",
      summary: "Show what a schema would change, and change nothing",
      accepts: ["store", "profile"],
      positionals: [flag.URI],
      flags: [flag.schemaFile, flag.allowDataLoss, flag.json],
      load: async () => (await schemaCommand()).schemaPlan,
    },
    {
      name: "apply",
      label: "schema apply",
      capability: "any",
      summary: "Make a schema the graph's own",
      accepts: flag.WRITES,
      positionals: [flag.URI],
      flags: [flag.schemaFile, flag.allowDataLoss, flag.json],
      load: async () => (await schemaCommand()).schemaApply,
    },
    {
      name: "show",
      label: "schema show",
      capability: "any",
      summary: "Print the schema",
      aliases: [{ name: "get" }],
      accepts: flag.READS,
      ignoresActor: true,
      positionals: [flag.URI],
      flags: [{ ...flag.snapshot, help: "show the schema as this commit has it", excludes: [] }, flag.json],
      load: async () => (await schemaCommand()).schemaShow,
    },
  ],
};

export const graphs: CommandSpec = {
  name: "graphs",
  capability: "served",
  summary: "List the graphs of a server",
  subcommands: [
    {
      name: "list",
      label: "graphs list",
      capability: "served",
      summary: "List the graphs that a server serves",
      accepts: ["server", "profile"],
      flags: [flag.json],
      load: async () => (await import("../commands/graphs.ts")).graphsList,
    },
  ],
};
