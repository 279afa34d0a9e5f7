// The binary in a root file system that holds nothing but it and what it needs: what a container gives it.

import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { chownSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { makeRoot, PROGRAMS, STATE } from "../../scripts/rootfs.ts";
import {
  BUILD_MS_MAX,
  binary,
  finish,
  SHIPS,
  startServer,
  storedRows,
  temporaryDirectory,
  writeCluster,
} from "./support.ts";

const USER = 65_532;
const PATH = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

/** Why an empty root cannot be entered here, or null. */
function obstacle(): string | null {
  if (process.platform !== "linux") return "chroot is tested on Linux";
  if (process.getuid?.() !== 0) return "chroot and mount need root";
  if (Bun.which("chroot", PATH) === null || Bun.which("mount", PATH) === null) {
    return "there is no chroot or no mount here";
  }
  return null;
}

const reason = obstacle();
if (reason !== null) console.log(`test/e2e/chroot: skipped: ${reason}`);

describe.skipIf(reason !== null)("the binary in an empty root", () => {
  const root = join(temporaryDirectory(), "root");
  let mounted = false;
  /** Names of the files of the fresh root, versions of libraries left out. */
  let files: readonly string[] = [];

  beforeAll(async () => {
    makeRoot(root, await binary());
    files = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => entry.name.replace(/\.so.*/, ""))
      .sort();
    writeCluster(join(root, STATE, "prod"), "policies:\n  crew: { file: crew.yaml, applies_to: [atlas] }\n");
    await Bun.write(
      join(root, STATE, "prod", "crew.yaml"),
      `version: 1
groups: { crew: [act-nina] }
rules:
  - { id: all, allow: { actors: { group: crew }, actions: [read, invoke_query, change] } }
`,
    );
    for (const entry of ["", ...readdirSync(join(root, STATE), { recursive: true, encoding: "utf8" })]) {
      chownSync(join(root, STATE, entry), USER, USER);
    }
    mkdirSync(join(root, "proc"));
    const mount = await finish(["mount", "-t", "proc", "proc", join(root, "proc")], { env: PATH });
    if (mount.code !== 0) throw new Error(`mounting /proc in the root failed: ${mount.stderr}`);
    mounted = true;
  }, BUILD_MS_MAX);

  afterAll(async () => {
    if (mounted) await finish(["umount", join(root, "proc")], { env: PATH });
  });

  /** The words of a program of the root, as nobody in the state directory. */
  const enter = (program: string, ...words: string[]): string[] => [
    ...["chroot", `--userspec=${USER}:${USER}`, root],
    ...[`${PROGRAMS}/${program}`, ...words],
  ];
  const omnigraph = (...words: string[]) => finish(enter("omnigraph", ...words), { env: PATH });
  const prod = `${STATE}/prod`;

  it("needs nothing but five libraries and certificates", () => {
    expect(files).toEqual([
      "ca-certificates.crt",
      expect.stringMatching(/^ld-linux/),
      "libc",
      "libdl",
      "libm",
      "libpthread",
      "omnigraph",
      "omnigraph-server",
    ]);
  });

  it("tells its version and refuses politely", async () => {
    expect((await omnigraph("version")).stdout).toContain("internal-schema ");
    expect(await finish(enter("omnigraph-server"), { env: PATH })).toMatchObject({ code: 64, stdout: "" });
    expect((await omnigraph("profile", "list")).code).toBe(0);
  });

  it("goes from a folder to answers over HTTP", async () => {
    expect(await omnigraph("cluster", "import", "--config", prod)).toMatchObject({ code: 0 });
    expect(await omnigraph("cluster", "apply", "--config", prod)).toMatchObject({ code: 0 });
    const graph = `${prod}/graphs/atlas.omni`;
    expect(
      await omnigraph("load", graph, "--data", `${prod}/ships.ndjson`, "--mode", "append"),
    ).toMatchObject({ code: 0 });
    const query = ["query", "--query", `${prod}/queries/ships.gq`, "--store", graph, "--format", "csv"];
    expect(await omnigraph(...query)).toMatchObject({ code: 0, stdout: "s.name\nAurora\nBoreas\n" });

    const token = { OMNIGRAPH_SERVER_BEARER_TOKENS_JSON: '{"act-nina":"t"}' };
    const server = await startServer(enter("omnigraph-server", "--cluster", prod, "--bind", "127.0.0.1:0"), {
      env: { ...PATH, ...token },
    });
    expect(await storedRows(server.url, "t")).toEqual(SHIPS);
    const served = ["query", "ships", "--server", server.url, "--graph", "atlas", "--format", "csv"];
    expect(
      await finish(enter("omnigraph", ...served), { env: { ...PATH, OMNIGRAPH_BEARER_TOKEN: "t" } }),
    ).toMatchObject({ code: 0, stdout: "s.name\nAurora\nBoreas\n" });
    expect((await omnigraph("healthcheck", "--url", server.url)).code).toBe(0);
    expect(await server.stop()).toBe(0);
  });

  it("searches vectors", async () => {
    const docs = Array.from({ length: 1_200 }, (_, i) =>
      JSON.stringify({ type: "Doc", data: { slug: `d${1_000 + i}`, v: [i, 1] } }),
    );
    const files = {
      "docs.pg": "node Doc { slug: String @key  v: Vector(2) }",
      "docs.ndjson": docs.join("\n"),
    };
    for (const [name, text] of Object.entries(files)) await Bun.write(join(root, prod, name), text);
    const graph = `${prod}/docs.omni`;
    expect(await omnigraph("init", "--schema", `${prod}/docs.pg`, graph)).toMatchObject({ code: 0 });
    const load = await omnigraph("load", graph, "--data", `${prod}/docs.ndjson`, "--mode", "append");
    expect(load).toMatchObject({ code: 0 });
    // The second arm searches what the first has searched, and so makes the index.
    const near = "nearest($d.v, [600.2, 1.0])";
    const text = `query q() { match { $d: Doc } return { $d.slug } order { rrf(${near}, ${near}) } limit 2 }`;
    expect(await omnigraph("query", "-e", text, "--store", graph, "--format", "csv")).toMatchObject({
      code: 0,
      stdout: "d.slug\nd1600\nd1601\n",
    });
  });

  it("writes nowhere but in its state directory", () => {
    const topLevel = readdirSync(root).filter((name) => !/^lib/.test(name));
    expect(topLevel.sort()).toEqual(["etc", "proc", "usr", "var"]);
    expect(readdirSync(join(root, STATE))).toEqual(["prod"]);
  });
});
