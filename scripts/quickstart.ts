// The main job from end to end, with the built binary, on a local directory: a cluster folder, all of WordNet, a server,
// questions over HTTP, a branch and its merge. Starts from nothing each time, so an interrupted run harms no later one.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { BINARY, build, REPOSITORY } from "./build.ts";
import { ALL_EDGES, WORDNET_QUERIES, wordnetSchema, writeWordnet } from "./wordnet.ts";

const HOME = join(REPOSITORY, "dist", "quickstart");
const CLUSTER = join(HOME, "cluster");
const DATA = join(HOME, "wordnet.ndjson");
const GRAPH = join(CLUSTER, "graphs", "wordnet.omni");
/** Rows of an answer that are printed. */
const ROWS_SHOWN = 8;
const CELL_WIDTH = 60;

const children = new Set<ChildProcess>();

async function main(): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      for (const child of children) child.kill(signal);
      process.exit(signal === "SIGINT" ? 130 : 143);
    });
  }

  await step("build dist/omnigraph", async () => {
    await build();
    return "one executable, nothing else needed";
  });
  await rm(HOME, { recursive: true, force: true });

  await step(`make a cluster folder, ${relative(REPOSITORY, CLUSTER)}`, makeCluster);
  await step("omnigraph cluster import", () => omnigraph("cluster", "import", "--config", CLUSTER));
  await step("omnigraph cluster plan", () => omnigraph("cluster", "plan", "--config", CLUSTER));
  await step("omnigraph cluster apply", () => omnigraph("cluster", "apply", "--config", CLUSTER));
  await step("convert WordNet 3.1 to NDJSON", async () => {
    const { nodes, edges } = await writeWordnet(DATA, ALL_EDGES);
    return `${nodes} synsets, ${edges} pointers`;
  });
  await step("omnigraph load --mode overwrite", () =>
    omnigraph("load", GRAPH, "--data", DATA, "--mode", "overwrite", "--quiet"),
  );

  const server = await step("omnigraph server --cluster", startServer);
  await ask(server.url, "Everything that is a kind of dog, at any distance", "kinds_of", { of: "dog.n.01" });
  await ask(server.url, "Glosses that best match some words", "gloss_search", {
    text: "small boat propelled by oars",
  });
  await ask(server.url, "Words with a sense opposed to a sense of 'light'", "antonyms_of", { word: "light" });

  const served = ["--server", server.url, "--graph", "wordnet"];
  await step("omnigraph branch create draft", () => omnigraph("branch", "create", "draft", ...served));
  await step("omnigraph mutate --branch draft", () =>
    omnigraph("mutate", ...served, "--branch", "draft", "-e", NEW_SYNSET),
  );
  await step("omnigraph branch merge draft", () =>
    omnigraph("branch", "merge", "draft", "--delete-branch", "--quiet", ...served),
  );
  await step("omnigraph commit list", () => omnigraph("commit", "list", ...served), true);
  await step("stop the server", async () => {
    server.child.kill("SIGTERM");
    const [code] = await once(server.child, "exit");
    if (code !== 0) throw new Error(`the server ended with exit code ${code}`);
    return "drained, exit 0";
  });

  const folder = relative(process.cwd(), CLUSTER) || ".";
  const binary = relative(process.cwd(), BINARY);
  console.log(`\nThe cluster folder stays in ${folder}. To go on by hand:\n`);
  console.log(`  ${binary} server --cluster ${folder} --unauthenticated`);
  console.log(
    `  ${binary} query kinds_of --server http://127.0.0.1:8080 --graph wordnet --params '{"of":"cat.n.01"}'`,
  );
  console.log(`  ${binary} commit list ${join(folder, "graphs", "wordnet.omni")}\n`);
}

const NEW_SYNSET = `query add() {
  insert Synset { name: "omnigraph.n.01", pos: "noun", words: ["omnigraph"], gloss: "a graph that remembers every state it was in" }
  insert Hypernym { from: "omnigraph.n.01", to: "entity.n.01" }
}`;

async function makeCluster(): Promise<string> {
  await mkdir(join(CLUSTER, "queries"), { recursive: true });
  await writeFile(
    join(CLUSTER, "cluster.yaml"),
    `version: 1
metadata: { name: quickstart }
graphs:
  wordnet:
    schema: wordnet.pg
    queries: queries/
`,
  );
  await writeFile(join(CLUSTER, "wordnet.pg"), wordnetSchema(ALL_EDGES));
  await writeFile(join(CLUSTER, "queries", "wordnet.gq"), WORDNET_QUERIES);
  return "cluster.yaml, wordnet.pg, queries/wordnet.gq";
}

/** Runs one step, prints how long it took and the first line (or all) of what it said. */
async function step<T>(name: string, run: () => Promise<T>, showAll = false): Promise<T> {
  if (process.stdout.isTTY) process.stdout.write(`… ${name}`);
  const started = performance.now();
  const result = await run();
  const took = `${((performance.now() - started) / 1000).toFixed(2)} s`;
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
  const said = typeof result === "string" ? result.trim().split("\n") : [];
  const shown = showAll ? [] : said.slice(0, 1);
  console.log([`${took.padStart(8)}  ${name}`, ...shown].join(": "));
  if (showAll) for (const line of said) console.log(`          ${line}`);
  return result;
}

/** Runs the binary to its end and answers what it printed; fails loudly with what it complained of. */
async function omnigraph(...args: string[]): Promise<string> {
  const child = start(args);
  let out = "";
  let complaint = "";
  child.stdout?.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    complaint += chunk;
  });
  const [code] = await once(child, "close");
  if (code !== 0)
    throw new Error(`omnigraph ${args.slice(0, 2).join(" ")}: exit ${code}\n${complaint}${out}`);
  return out;
}

async function startServer(): Promise<{ url: string; child: ChildProcess }> {
  const child = start(["server", "--cluster", CLUSTER, "--bind", "127.0.0.1:0", "--unauthenticated"]);
  let log = "";
  child.stderr?.on("data", (chunk) => {
    log += chunk;
  });
  if (child.stdout === null) throw new Error("the server has no standard output");
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /^OMNIGRAPH_LISTEN_ADDR=(.+)$/.exec(line)?.[1];
    if (address !== undefined) return { url: `http://${address}`, child };
  }
  throw new Error(`the server did not start:\n${log}`);
}

function start(args: readonly string[]): ChildProcess {
  // No operator configuration of the person who runs this may change what happens.
  const env = { ...process.env, OMNIGRAPH_HOME: join(HOME, "no-operator-config"), OMNIGRAPH_PROFILE: "" };
  const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"], env });
  children.add(child);
  child.on("exit", () => children.delete(child));
  return child;
}

/** Invokes a stored query over HTTP and shows the first rows of its answer as a table. */
async function ask(url: string, question: string, query: string, params: object): Promise<void> {
  const started = performance.now();
  const response = await fetch(`${url}/graphs/wordnet/queries/${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ params }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${query}: HTTP ${response.status}: ${text}`);
  const took = (performance.now() - started).toFixed(1);
  const { columns, rows, row_count } = JSON.parse(text) as {
    columns: string[];
    rows: Record<string, unknown>[];
    row_count: number;
  };
  console.log(`\n  ${question}: ${row_count} rows in ${took} ms (POST /graphs/wordnet/queries/${query})\n`);
  const cells = rows
    .slice(0, ROWS_SHOWN)
    .map((row) =>
      columns.map((column) => cut(Array.isArray(row[column]) ? row[column].join(", ") : String(row[column]))),
    );
  const widths = columns.map((column, i) => Math.max(column.length, ...cells.map((row) => row[i].length)));
  const line = (row: readonly string[]) =>
    `    ${row.map((cell, i) => cell.padEnd(widths[i])).join("  ")}`.trimEnd();
  console.log(line(columns));
  console.log(line(widths.map((width) => "-".repeat(width))));
  for (const row of cells) console.log(line(row));
  if (rows.length > ROWS_SHOWN) console.log(`    … and ${rows.length - ROWS_SHOWN} more`);
  console.log();
}

function cut(text: string): string {
  return text.length <= CELL_WIDTH ? text : `${text.slice(0, CELL_WIDTH - 1)}…`;
}

await main().catch((error: unknown) => {
  for (const child of children) child.kill("SIGTERM");
  console.error(`\nquickstart: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
