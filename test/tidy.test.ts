// The house rules, held by a test: which folder may know which, what nobody below the edge reads by itself, and how long a
// file may get.

import { describe, expect, it } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

const ROOT = join(import.meta.dir, "..");
const SELF = relative(ROOT, import.meta.path);

/** The folders of src, and the folders that each may import through their index. Nothing points back up. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  storage: ["lib"],
  schema: ["lib"],
  query: ["lib", "schema"],
  kernels: ["lib"],
  policy: ["lib"],
  embedding: ["lib"],
  store: ["lib", "storage", "schema"],
  index: ["lib", "storage", "store", "schema", "kernels"],
  engine: ["lib", "storage", "store", "index", "kernels", "schema", "query", "embedding"],
  client: ["lib"],
  cluster: ["lib", "storage", "engine", "schema", "query", "policy", "embedding"],
  server: ["lib", "storage", "engine", "schema", "query", "policy", "embedding", "cluster"],
  cli: ["lib", "storage", "engine", "schema", "query", "policy", "embedding", "client", "cluster", "server"],
  "main.ts": ["lib", "cli"],
};

/** Files of plain shapes that stand between folders: these may be named directly, also from further down. */
const SEAMS: readonly string[] = [
  "src/storage/adapter.ts",
  "src/schema/catalog.ts",
  "src/query/plan.ts",
  "src/store/types.ts",
  "src/store/column.ts",
  "src/index/view.ts",
  "src/engine/outputs.ts",
  "src/engine/graph.ts",
];
/** Folders that may name seams of folders that they may not import. */
const MAY_USE_SEAMS: Readonly<Record<string, readonly string[]>> = {
  query: ["src/schema/catalog.ts"],
  store: ["src/schema/catalog.ts", "src/query/plan.ts"],
  index: ["src/schema/catalog.ts", "src/query/plan.ts"],
  client: ["src/engine/outputs.ts", "src/engine/graph.ts"],
};

/** Who may read clock, randomness and environment directly, besides storage (whose clients need them). */
const EDGE = new Set(["src/main.ts", "src/lib/ports.ts"]);
const WORLD =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.env\b|\bBun\.env\b|\bperformance\.now\(|\bcrypto\.(?:getRandomValues|randomUUID)\b/;

const FILE_LINES_MAX = 600;
/** Files that are longer, each with its reason. */
const LONGER_FILES: ReadonlyMap<string, string> = new Map();

const FUNCTION_LINES_MAX = 80;
/** Functions that are longer, as `file name`, each with its reason. */
const LONGER_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ["src/lib/yaml.ts parseYaml", "mutually recursive steps over one parse"],
]);

const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/\b(?:TODO|FIXME|XXX|HACK)\b/, "unfinished work belongs to an issue"],
  [/\bfor now\b/i, "what is not built is refused by name"],
  [/\bas any\b/, "a type has a name"],
  [/@ts-(?:ignore|expect-error|nocheck)/, "the compiler is right"],
  [/\b(?:it|describe|test)\.(?:only|todo)\b/, "the whole suite runs"],
  [/\/work\//, "paths of one machine are no part of the project"],
];

const TOP_LEVEL = new Set([
  "package.json",
  "package-lock.json",
  "bunfig.toml",
  "tsconfig.json",
  "src",
  "test",
  "scripts",
  "Dockerfile",
  "README.md",
  "LICENSE",
]);
/** Made by tools, and not kept. */
const GENERATED = new Set(["node_modules", "dist"]);

interface SourceFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

interface Import {
  readonly target: string;
  /** `import type` and `export type` leave nothing behind at run time. */
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

function sources(folder: string): readonly SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => {
      const full = `${folder}/${path}`;
      return { path: full, text: readFileSync(join(ROOT, full), "utf8") };
    });
}

/** Imports of files of this repository. */
function importsOf(file: SourceFile): readonly Import[] {
  const statements = file.text.matchAll(/^(import|export)\b([^;'"]*?)\bfrom\s*"(\.[^"]+)"/gm);
  const found: Import[] = [...statements].map(([, , names, target]) => ({
    target: resolveImport(file.path, target),
    typeOnly: /^\s*type\b/.test(names),
    dynamic: false,
  }));
  for (const [, target] of file.text.matchAll(/\bimport\(\s*"(\.[^"]+)"\s*\)/g)) {
    found.push({ target: resolveImport(file.path, target), typeOnly: false, dynamic: true });
  }
  return found;
}

const resolveImport = (from: string, target: string): string => normalize(join(dirname(from), target));

const folderOf = (path: string): string => path.split("/")[1] ?? "";

const src = sources("src");
const everything = [...src, ...sources("test"), ...sources("scripts")];
/** The folders that exist, so that a new one has to be given its place. */
const folders = [...new Set(src.map(({ path }) => folderOf(path)))].sort();

describe("imports", () => {
  it("know a place for every folder of src", () => {
    expect(folders.filter((folder) => MAY_IMPORT[folder] === undefined)).toEqual([]);
  });

  it("point one way", () => {
    const wrong = src.flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => !isAllowed(file.path, target))
        .map(({ target }) => `${file.path} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it("reach another folder through its index, a seam or lib", () => {
    const wrong = src.flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => target.startsWith("src/") && folderOf(target) !== folderOf(file.path))
        .filter(({ target }) => folderOf(target) !== "lib" && !SEAMS.includes(target))
        .filter(({ target }) => !/^src\/[^/]+\/index\.ts$/.test(target))
        .map(({ target }) => `${file.path} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it("never run in a circle", () => {
    expect(findCircle(src)).toBeNull();
  });

  it("load heavy packages only when they are needed", () => {
    const start = "src/main.ts";
    const heavy = /^import\s(?!type\b)[^;'"]*from\s*"(@aws-sdk\/|apache-arrow|@cedar-policy\/|hono|yaml)/m;
    const loaded = reachable(start).filter((path) => {
      const file = src.find((candidate) => candidate.path === path);
      return file !== undefined && heavy.test(file.text);
    });
    expect(loaded).toEqual([]);
  });
});

function isAllowed(from: string, target: string): boolean {
  if (target === "package.json") return from === "src/lib/version.ts";
  if (!target.startsWith("src/")) return !target.endsWith(".ts");
  const folder = folderOf(from);
  const other = folderOf(target);
  if (folder === other || (MAY_IMPORT[folder] ?? []).includes(other)) return true;
  return (MAY_USE_SEAMS[folder] ?? []).includes(target);
}

/** The first circle of files that load each other at once, as a path; type imports and dynamic ones make none. */
function findCircle(files: readonly SourceFile[]): string | null {
  const edges = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ typeOnly, dynamic }) => !typeOnly && !dynamic)
        .map(({ target }) => target),
    ]),
  );
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].join(" -> ");
    if (done.has(path)) return null;
    for (const next of edges.get(path) ?? []) {
      const circle = visit(next, [...trail, path]);
      if (circle !== null) return circle;
    }
    done.add(path);
    return null;
  };
  for (const path of edges.keys()) {
    const circle = visit(path, []);
    if (circle !== null) return circle;
  }
  return null;
}

/** The files that are loaded at once with a file. */
function reachable(start: string): readonly string[] {
  const byPath = new Map(src.map((file) => [file.path, file]));
  const seen = new Set<string>();
  const queue = [start];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const file = byPath.get(path);
    if (file === undefined || seen.has(path)) continue;
    seen.add(path);
    for (const { target, typeOnly, dynamic } of importsOf(file))
      if (!typeOnly && !dynamic) queue.push(target);
  }
  return [...seen];
}

describe("source files", () => {
  it("take clock, randomness and environment from their ports below the edge", () => {
    const wrong = src
      .filter(({ path }) => !EDGE.has(path) && folderOf(path) !== "storage")
      .flatMap(({ path, text }) => linesMatching(text, WORLD).map((line) => `${path}:${line}`));
    expect(wrong).toEqual([]);
  });

  it("hold one idea each", () => {
    const lengths = everything.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }));
    const long = lengths.filter(({ lines }) => lines > FILE_LINES_MAX).map(({ path }) => path);
    expect(long).toEqual([...LONGER_FILES.keys()]);
  });

  it("hold functions that fit on a screen or two", () => {
    const long = src.flatMap(({ path, text }) =>
      functionLengths(text)
        .filter(({ lines }) => lines > FUNCTION_LINES_MAX)
        .map(({ name }) => `${path} ${name}`),
    );
    expect(long).toEqual([...LONGER_FUNCTIONS.keys()]);
  });

  it("leave nothing unfinished behind", () => {
    const wrong = everything
      .filter(({ path }) => path !== SELF)
      .flatMap(({ path, text }) =>
        FORBIDDEN.flatMap(([pattern, reason]) =>
          linesMatching(text, pattern).map((line) => `${path}:${line} (${reason})`),
        ),
      );
    expect(wrong).toEqual([]);
  });
});

/** A function or method with a body, as the formatter writes it: it ends at the next brace with the same indentation. */
const FUNCTION_START =
  /^(\s*)(?:export )?(?:private |protected |override |static |async |get |\*)*(?:function\*? )?(?!if|for|while|switch|catch|return)([\w#]+)(?:<[^>]*>)?\(.*\{$/;

function functionLengths(text: string): readonly { readonly name: string; readonly lines: number }[] {
  const lines = text.split("\n");
  return lines.flatMap((line, start) => {
    const [, indentation, name] = FUNCTION_START.exec(line) ?? [];
    if (indentation === undefined || name === undefined) return [];
    const length = lines.slice(start + 1).findIndex((end) => end.startsWith(`${indentation}}`));
    return length === -1 ? [] : [{ name, lines: length + 2 }];
  });
}

function linesMatching(text: string, pattern: RegExp): readonly number[] {
  return text.split("\n").flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
}

describe("the top level", () => {
  it("holds what a reader expects and nothing else", () => {
    const names = readdirSync(ROOT).filter((name) => !name.startsWith(".") && !GENERATED.has(name));
    expect(names.filter((name) => !TOP_LEVEL.has(name))).toEqual([]);
  });
});
