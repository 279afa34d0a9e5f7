// Commands that keep graphs and clusters: storage, linting, registry, policy, server.

import type { CommandSpec } from "../spec.ts";
import * as flag from "./flags.ts";

const clusterCommand = () => import("../commands/cluster.ts");
const maintenanceCommand = () => import("../commands/maintenance.ts");
const policyCommand = () => import("../commands/policy.ts");
const queriesCommand = () => import("../commands/queries.ts");

export const init: CommandSpec = {
  name: "init",
  capability: "direct",
  summary: "Make a graph from a schema",
  examples: ["omnigraph init --schema fleet.pg ./fleet.omni"],
  positionals: [{ ...flag.URI, required: true }],
  flags: [flag.schemaFile, { name: "force", help: "replace a stray schema file without a graph" }, flag.json],
  load: async () => (await import("../commands/init.ts")).init,
};

export const optimize: CommandSpec = {
  name: "optimize",
  capability: "direct",
  summary: "Merge segments and build indexes",
  examples: ["omnigraph optimize ./fleet.omni", "omnigraph optimize --cluster ./prod --graph atlas"],
  accepts: flag.MAINTAINS,
  positionals: [flag.URI],
  flags: [flag.json],
  load: async () => (await maintenanceCommand()).optimize,
};

export const repair: CommandSpec = {
  name: "repair",
  capability: "direct",
  summary: "Check a graph and rebuild what is derived",
  accepts: flag.MAINTAINS,
  positionals: [flag.URI],
  flags: [
    { name: "confirm", help: "repair what was found" },
    { name: "force", help: "also repair what may lose rows", requires: ["confirm"] },
    flag.json,
  ],
  examples: ["omnigraph repair ./fleet.omni", "omnigraph repair ./fleet.omni --confirm"],
  load: async () => (await maintenanceCommand()).repair,
};

export const cleanup: CommandSpec = {
  name: "cleanup",
  capability: "direct",
  summary: "Drop history that is no longer kept",
  accepts: flag.MAINTAINS,
  positionals: [flag.URI],
  flags: [
    { name: "keep", value: "N", help: "versions to keep", integer: true },
    { name: "older-than", value: "DURATION", help: "drop only what is older (90s, 2m, 7d, 1w)" },
    { name: "confirm", help: "do it" },
    { name: "dry-run", help: "tell what would go, and change nothing", excludes: ["confirm"] },
    flag.json,
  ],
  examples: [
    "omnigraph cleanup ./fleet.omni --keep 100 --older-than 7d --dry-run",
    "omnigraph cleanup ./fleet.omni --keep 100 --older-than 7d --confirm",
  ],
  load: async () => (await maintenanceCommand()).cleanup,
};

export const lint: CommandSpec = {
  name: "lint",
  capability: "direct",
  summary: "Lint queries against a schema",
  examples: [
    "omnigraph lint --query ships.gq --schema fleet.pg",
    "omnigraph lint --query ships.gq --cluster ./prod --graph atlas",
  ],
  aliases: [{ name: "check", deprecated: true }],
  accepts: flag.MAINTAINS,
  positionals: [flag.URI],
  flags: [
    { name: "query", value: "FILE", help: "a .gq file (- reads stdin)", required: true },
    { name: "schema", value: "FILE", help: "check against this .pg file instead of a graph (- reads stdin)" },
    flag.json,
  ],
  load: async () => (await import("../commands/lint.ts")).lint,
};

export const queries: CommandSpec = {
  name: "queries",
  capability: "control",
  summary: "Show and check the stored queries of a cluster",
  subcommands: [
    {
      name: "list",
      label: "queries list",
      capability: "control",
      summary: "List the stored queries",
      accepts: flag.CLUSTER_READS,
      flags: [flag.json],
      load: async () => (await queriesCommand()).queriesList,
    },
    {
      name: "validate",
      label: "queries validate",
      capability: "control",
      summary: "Check the stored queries against the live schemas",
      accepts: flag.CLUSTER_READS,
      flags: [flag.json],
      load: async () => (await queriesCommand()).queriesValidate,
    },
  ],
};

export const cluster: CommandSpec = {
  name: "cluster",
  capability: "control",
  summary: "Compare a folder of configuration with what is applied, and converge",
  subcommands: [
    {
      name: "validate",
      label: "cluster",
      capability: "control",
      summary: "Check the configuration without touching storage",
      flags: [flag.config, flag.json],
      load: async () => (await clusterCommand()).validate,
    },
    {
      name: "plan",
      label: "cluster",
      capability: "control",
      summary: "Show what apply would change",
      flags: [flag.config, flag.json],
      load: async () => (await clusterCommand()).plan,
    },
    {
      name: "apply",
      label: "cluster",
      capability: "control",
      summary: "Make storage what the configuration says",
      examples: ["omnigraph cluster apply --config ./prod --as act-nina"],
      accepts: ["as"],
      flags: [flag.config, flag.json],
      load: async () => (await clusterCommand()).apply,
    },
    {
      name: "approve",
      label: "cluster",
      capability: "control",
      summary: "Approve a change that needs it",
      accepts: ["as"],
      positionals: [{ name: "RESOURCE", help: "the address of the resource", required: true }],
      flags: [flag.config, flag.json],
    },
    {
      name: "status",
      label: "cluster",
      capability: "control",
      summary: "Show what is applied",
      flags: [flag.config, flag.json],
      load: async () => (await clusterCommand()).status,
    },
    {
      name: "refresh",
      label: "cluster",
      capability: "control",
      summary: "Look at the live graphs and record what is there",
      flags: [flag.config, flag.json],
    },
    {
      name: "import",
      label: "cluster",
      capability: "control",
      summary: "Make the first ledger from what is there",
      flags: [flag.config, flag.json],
      load: async () => (await clusterCommand()).importLedger,
    },
    {
      name: "force-unlock",
      label: "cluster",
      capability: "control",
      summary: "Remove a lock that its holder left behind",
      positionals: [{ name: "LOCK_ID", help: "the id that the refusal named", required: true }],
      flags: [flag.config, flag.json],
      load: async () => (await clusterCommand()).forceUnlock,
    },
  ],
};

const POLICY_ACTIONS = [
  "read",
  "export",
  "change",
  "schema_apply",
  "branch_create",
  "branch_delete",
  "branch_merge",
  "admin",
  "graph_list",
  "invoke_query",
] as const;

export const policy: CommandSpec = {
  name: "policy",
  capability: "control",
  summary: "Check, test and explain the policies of a cluster",
  subcommands: [
    {
      name: "validate",
      label: "policy",
      capability: "control",
      summary: "Check that a bundle compiles",
      accepts: flag.CLUSTER_READS,
      flags: [flag.json],
      load: async () => (await policyCommand()).policyValidate,
    },
    {
      name: "test",
      label: "policy",
      capability: "control",
      summary: "Compare decisions with a file of expectations",
      accepts: flag.CLUSTER_READS,
      flags: [{ name: "tests", value: "FILE", help: "a YAML file of cases", required: true }, flag.json],
      load: async () => (await policyCommand()).policyTest,
    },
    {
      name: "explain",
      label: "policy",
      capability: "control",
      summary: "Say how one request would be decided, and why",
      examples: [
        "omnigraph policy explain --cluster ./prod --graph atlas --actor act-nina --action change --branch main",
      ],
      accepts: flag.CLUSTER_READS,
      flags: [
        { name: "actor", value: "ACTOR", help: "who asks", required: true },
        {
          name: "action",
          value: "ACTION",
          help: "what is asked for",
          required: true,
          choices: POLICY_ACTIONS.flatMap((action) =>
            action.includes("_") ? [action, action.replaceAll("_", "-")] : [action],
          ),
        },
        { name: "branch", value: "BRANCH", help: "the branch it concerns" },
        { name: "target-branch", value: "BRANCH", help: "the branch it would change" },
        flag.json,
      ],
      load: async () => (await policyCommand()).policyExplain,
    },
  ],
};

export const server: CommandSpec = {
  name: "server",
  capability: "control",
  summary: "Serve the graphs of a cluster over HTTP",
  about: "Started without any argument, as a container does, everything comes from the environment.",
  examples: [
    "omnigraph server --cluster ./prod",
    "omnigraph server --cluster s3://acme-fleet/prod --bind 0.0.0.0:8080",
  ],
  accepts: ["cluster"],
  flags: [
    {
      name: "cluster",
      value: "DIR|URI",
      help: "the cluster to serve: its config directory or its storage root",
      env: "OMNIGRAPH_CLUSTER",
    },
    {
      name: "bind",
      value: "HOST:PORT",
      help: "where to listen; port 0 picks one",
      env: "OMNIGRAPH_BIND",
      fallback: "127.0.0.1:8080",
    },
    {
      name: "unauthenticated",
      help: "serve without tokens and policy",
      env: "OMNIGRAPH_UNAUTHENTICATED",
      fallback: "off",
    },
    {
      name: "require-all-graphs",
      help: "refuse to start unless every graph opens",
      env: "OMNIGRAPH_REQUIRE_ALL_GRAPHS",
      fallback: "off",
    },
  ],
  load: async () => (await import("../commands/server.ts")).server,
};

export const embed: CommandSpec = {
  name: "embed",
  capability: "local",
  summary: "Fill the vectors of an NDJSON file",
  about:
    "Texts become vectors by what the OMNIGRAPH_EMBED_* variables name. The file alone is read and written, never a graph.",
  examples: [
    "omnigraph embed --seed seed.yaml",
    "omnigraph embed --input papers.jsonl --output embedded.jsonl --spec spec.json --select Paper:slug=p2",
  ],
  flags: [
    {
      name: "seed",
      value: "FILE",
      help: "a YAML manifest of sources, artifacts and embeddings",
      excludes: ["input", "output", "spec"],
    },
    { name: "input", value: "FILE", help: "the NDJSON to read", requires: ["output", "spec"] },
    { name: "output", value: "FILE", help: "the NDJSON to write" },
    { name: "spec", value: "FILE", help: "what to embed, as JSON", requires: ["input", "output"] },
    { name: "clean", help: "remove the vectors", excludes: ["reembed-all"] },
    { name: "reembed-all", help: "embed everything anew" },
    { name: "type", value: "TYPE", help: "only this type", repeatable: true },
    {
      name: "select",
      value: "SELECTOR",
      help: "only entities that match [Type:]field=value",
      repeatable: true,
    },
    flag.json,
  ],
  load: async () => (await import("../commands/embed.ts")).embed,
};
