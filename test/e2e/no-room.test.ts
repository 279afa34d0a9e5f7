// Directories that cannot be written: read-only for who asks, mounted read-only, or full. What is there stays readable, the
// refusal says where and why, and once there is room again the next write works.

import { afterAll, beforeAll, describe, expect, it, setDefaultTimeout } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ALL, INSERT_LOG } from "./mistakes.ts";
import {
  clusterFolder,
  directoryPlace,
  FLEET,
  file,
  picture,
  placeAt,
  SHIPS,
  succeed,
  TEST_MS_MAX,
} from "./places.ts";
import { BUILD_MS_MAX, binary, type Finished, finish, temporaryDirectory } from "./support.ts";

setDefaultTimeout(TEST_MS_MAX);

const NOBODY = 65_532;
const SYSTEM = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
const isRoot = process.getuid?.() === 0;

beforeAll(async () => {
  await binary();
}, BUILD_MS_MAX);

/** Every file below, with its size. */
function contents(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((path) => ({ path, stat: statSync(join(directory, path)) }))
    .filter(({ stat }) => stat.isFile())
    .map(({ path, stat }) => `${path} ${stat.size}`)
    .sort();
}

const WRITES: readonly (readonly string[])[] = [
  ["mutate", "-e", INSERT_LOG],
  ["branch", "create", "c"],
];

async function expectRefused(running: Promise<Finished>, ...says: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await running;
  for (const phrase of says) expect(stderr).toContain(phrase);
  expect(stderr).not.toContain(".omnigraph-");
  expect([code, stdout]).toEqual([1, ""]);
}

/** Lets everybody read what is below and nobody write; root, who may anyway, asks as nobody. */
function seal(directory: string, [directoryMode, fileMode] = [0o555, 0o444]): void {
  for (const path of ["", ...readdirSync(directory, { recursive: true, encoding: "utf8" })]) {
    const absolute = join(directory, path);
    chmodSync(absolute, statSync(absolute).isDirectory() ? directoryMode : fileMode);
  }
}

const obstacleToNobody = isRoot && Bun.which("setpriv", SYSTEM) === null ? "there is no setpriv here" : null;
if (obstacleToNobody !== null) console.log(`test/e2e/no-room: nobody's rights untested: ${obstacleToNobody}`);

describe.skipIf(obstacleToNobody !== null)("a directory without the right to write", () => {
  let omnigraph: string;
  const directories: string[] = [];
  const somewhere = (): string => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    directories.push(directory);
    return directory;
  };

  /** Runs the binary as somebody who may not write. */
  const asNobody = (...words: readonly string[]) => {
    const user = isRoot ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
    return finish([...user, omnigraph, ...words], { env: SYSTEM, cwd: "/" });
  };

  beforeAll(async () => {
    // Where the checkout stands, nobody may have no access.
    omnigraph = join(somewhere(), "omnigraph");
    copyFileSync(await binary(), omnigraph);
    chmodSync(omnigraph, 0o755);
  });
  afterAll(() => {
    for (const directory of directories) seal(directory, [0o755, 0o644]);
  });

  async function fleet(): Promise<string> {
    const place = await directoryPlace(somewhere());
    return place.graph[1];
  }

  it("is read, and writes say what is missing", async () => {
    const root = await fleet();
    const data = await file("ships.ndjson", SHIPS.join("\n"), somewhere());
    seal(root);
    const before = contents(root);
    const query = ["query", "--store", root, "-e", ALL, "--format", "csv"];
    expect((await asNobody(...query)).stdout).toBe("s.name\nAurora\nBoreas\n");
    for (const words of [...WRITES, ["load", "--mode", "merge", "--data", data]]) {
      await expectRefused(
        asNobody(...words, "--store", root),
        `cannot write in '${root}': permission denied`,
      );
    }
    expect(contents(root)).toEqual(before);
    seal(root, [0o777, 0o666]);
    expect((await asNobody("mutate", "-e", INSERT_LOG, "--store", root)).code).toBe(0);
  });

  it("takes no new graph", async () => {
    const directory = somewhere();
    const schema = await file("fleet.pg", FLEET, directory);
    seal(directory);
    const root = join(directory, "g");
    await expectRefused(
      asNobody("init", "--schema", schema, root),
      `cannot write in '${root}': permission denied`,
    );
  });

  it("may be closed to reading as well", async () => {
    const root = await fleet();
    chmodSync(root, 0o000);
    await expectRefused(asNobody("snapshot", root), `cannot read '${root}/graph.json': permission denied`);
    chmodSync(root, 0o755);
  });

  it("takes no cluster command that writes, and shows its status", async () => {
    const directory = somewhere();
    const { run } = await clusterFolder("", {}, directory);
    await succeed(run("cluster", "import"));
    await succeed(run("cluster", "apply"));
    seal(directory);
    const before = contents(directory);
    for (const command of ["plan", "apply"]) {
      const { code, stdout } = await asNobody("cluster", command, "--config", directory);
      expect([code, stdout]).toEqual([1, expect.stringContaining("permission denied")]);
    }
    const status = await asNobody("cluster", "status", "--config", directory);
    expect([status.code, status.stdout]).toEqual([0, expect.stringContaining("cluster state: revision 2")]);
    expect(contents(directory)).toEqual(before);
  });
});

const disk = join(temporaryDirectory(), "disk");
const mountDisk = () => {
  mkdirSync(disk, { recursive: true });
  return finish(["mount", "-t", "tmpfs", "-o", "size=512k", "none", disk], { env: SYSTEM });
};
const unmountDisk = () => finish(["umount", disk], { env: SYSTEM });

/** Why no small disk can be had here, or null. */
async function obstacleToMounting(): Promise<string | null> {
  if (process.platform !== "linux") return "tmpfs is mounted on Linux";
  if (!isRoot) return "mounting needs root";
  const { code, stderr } = await mountDisk();
  if (code !== 0) return `mounting is not allowed here: ${stderr.trim()}`;
  await unmountDisk();
  return null;
}

const obstacle = await obstacleToMounting();
if (obstacle !== null) console.log(`test/e2e/no-room: a full disk untested: ${obstacle}`);

describe.skipIf(obstacle !== null)("a small disk", () => {
  beforeAll(async () => {
    await mountDisk();
  });
  afterAll(async () => {
    await unmountDisk();
  });

  const root = join(disk, "fleet.omni");
  const filler = join(disk, "filler");
  const fill = () => finish(["dd", "if=/dev/zero", `of=${filler}`, "bs=1k"], { env: SYSTEM });

  it("that is full refuses every write by name, keeps what was there, and goes on when there is room", async () => {
    const place = await placeAt(["--store", root]);
    const schema = await file("fleet.pg", FLEET);
    await succeed(place.run("init", "--schema", schema, root));
    await succeed(
      place.on("load", "--mode", "append", "--data", await file("ships.ndjson", SHIPS.join("\n"))),
    );
    const before = await picture(place);
    const files = contents(root);

    const lines = Array.from(
      { length: 8_000 },
      (_, i) => `{"type":"Port","data":{"code":"p${i}","title":"${"long ".repeat(40)}${i}"}}`,
    );
    const big = await file("big.ndjson", lines.join("\n"));
    await expectRefused(
      place.on("load", "--mode", "append", "--data", big),
      "no space left on the device",
      root,
    );
    expect(await picture(place)).toEqual(before);

    await fill();
    for (const words of WRITES) {
      await expectRefused(place.on(...words), "no space left on the device", root);
    }
    const other = join(disk, "other.omni");
    await expectRefused(place.run("init", "--schema", schema, other), "no space left on the device", other);
    expect(await picture(place)).toEqual(before);

    rmSync(filler);
    expect(contents(root)).toEqual(files);
    await succeed(place.run("init", "--schema", schema, other));
    await succeed(place.on("mutate", "-e", INSERT_LOG));
  });

  it("that is mounted read-only says so and is read", async () => {
    const place = await placeAt(["--store", root]);
    const before = await picture(place);
    const remount = (mode: string) => finish(["mount", "-o", `remount,${mode}`, disk], { env: SYSTEM });
    expect((await remount("ro")).code).toBe(0);
    for (const words of WRITES) {
      await expectRefused(
        place.on(...words),
        `cannot write in '${root}': the file system is mounted read-only`,
      );
    }
    expect(await picture(place)).toEqual(before);
    expect((await remount("rw")).code).toBe(0);
    writeFileSync(filler, "");
    await succeed(place.on("mutate", "-e", INSERT_LOG));
  });

  it("that fills up under an apply converges when there is room", async () => {
    const { run } = await clusterFolder(`storage: ${join(disk, "prod")}\n`);
    await succeed(run("cluster", "import"));
    await fill();
    const full = await run("cluster", "apply");
    expect([full.code, full.stdout]).toEqual([1, expect.stringContaining("no space left on the device")]);
    rmSync(filler);
    const again = await run("cluster", "apply");
    const held = /force-unlock (\w+)/.exec(again.stdout);
    if (held !== null) await succeed(run("cluster", "force-unlock", held[1]));
    expect(await succeed(run("cluster", "apply"))).toContain("converged: true");
  });
});
