// The image: read-only, as nobody, without a shell, on a volume and on a bucket.

import { afterAll, describe, expect, it } from "bun:test";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildImage, makeImageContext } from "../../scripts/image.ts";
import { liveS3 } from "../../scripts/s3.ts";
import { type Docker, findDocker } from "./docker.ts";
import { binary, type Finished, SHIPS, storedRows, temporaryDirectory, writeCluster } from "./support.ts";

const TAG = `omnigraph-test:${process.pid}`;
const CONTAINER_MS_MAX = 60_000;
const BOOT_MS_MAX = 20_000;
/** Options of every container: nothing to write to, and the network of this machine. */
const SEALED = ["--read-only", "--network=host"];
/** How `docker run` ends where the daemon could not run the container at all. */
const EXIT_OF_DOCKER = 125;

/** A Docker that has the image and runs it, or the reason why there is none. */
async function dockerWithImage(): Promise<Docker | string> {
  const executable = await binary();
  const docker = await findDocker();
  if (typeof docker === "string") return docker;
  try {
    const context = join(temporaryDirectory(), "image");
    makeImageContext(executable, context);
    buildImage(TAG, context, docker.env);
    const probe = await docker.run("run", "--rm", ...SEALED, TAG, "--version");
    if (probe.code !== EXIT_OF_DOCKER) return docker;
    await docker.stop();
    return `containers do not run here: ${probe.stderr.trim()}`;
  } catch (error) {
    await docker.stop();
    throw error;
  }
}

const found = await dockerWithImage();
const docker: Docker | null = typeof found === "string" ? null : found;
if (typeof found === "string") {
  console.log(`test/e2e/container: skipped: ${found}; the chroot test stands alone`);
}

describe.skipIf(docker === null)("the image", () => {
  afterAll(async () => {
    await docker?.run("rmi", "--force", TAG);
    await docker?.stop();
  });

  /** Runs `docker` and fails the test with its words where it fails. */
  async function run(...words: readonly string[]): Promise<string> {
    if (docker === null) throw new Error("the test should have been skipped");
    const outcome: Finished = await docker.run(...words);
    if (outcome.code !== 0) throw new Error(`docker ${words.join(" ")}: ${outcome.stderr}${outcome.stdout}`);
    return outcome.stdout;
  }

  const once = (mounts: readonly string[], ...words: readonly string[]) =>
    run("run", "--rm", ...SEALED, ...mounts, "--entrypoint", "omnigraph", TAG, ...words);

  interface Serving {
    readonly id: string;
    readonly url: string;
  }

  /** Starts the server in the background and waits for its listen record. */
  async function serve(options: readonly string[], ...words: readonly string[]): Promise<Serving> {
    const id = (await run("run", "--detach", ...SEALED, ...options, TAG, ...words)).trim();
    const deadline = Date.now() + BOOT_MS_MAX;
    for (;;) {
      const port = /^OMNIGRAPH_LISTEN_ADDR=\S*:(\d+)$/m.exec(await run("logs", id))?.[1];
      if (port !== undefined) return { id, url: `http://127.0.0.1:${port}` };
      if (Date.now() > deadline) throw new Error(`no listen record from ${id}`);
      await Bun.sleep(50);
    }
  }

  /** Stops by SIGTERM; answers the exit code. */
  async function stop({ id }: Serving): Promise<number> {
    await run("stop", "--time", "20", id);
    const code = Number(await run("inspect", "--format", "{{.State.ExitCode}}", id));
    await run("rm", id);
    return code;
  }

  const OPEN = ["--env", "OMNIGRAPH_UNAUTHENTICATED=1", "--env", "OMNIGRAPH_BIND=127.0.0.1:0"];

  it(
    "answers to both names, and says what it lacks when it is given nothing",
    async () => {
      expect(await once([], "version")).toContain("internal-schema ");
      expect(await run("run", "--rm", ...SEALED, TAG, "--help")).toContain("--require-all-graphs");
      const bare = await docker?.run("run", "--rm", ...SEALED, TAG);
      expect(bare?.code).toBe(64);
      expect(bare?.stderr).toContain("container startup requires");
    },
    CONTAINER_MS_MAX,
  );

  it(
    "has no shell, runs as nobody, and checks its own health",
    async () => {
      const shell = await docker?.run("run", "--rm", ...SEALED, "--entrypoint", "sh", TAG, "-c", "true");
      expect(shell?.code).toBe(127);
      const config = JSON.parse(await run("inspect", "--format", "{{json .Config}}", TAG));
      expect(config).toMatchObject({
        User: "65532:65532",
        WorkingDir: "/var/lib/omnigraph",
        Entrypoint: ["omnigraph-server"],
        Healthcheck: { Test: ["CMD", "omnigraph", "healthcheck"] },
      });
      expect(config.Env).toContain("OMNIGRAPH_BIND=0.0.0.0:8080");
    },
    CONTAINER_MS_MAX,
  );

  it(
    "applies, loads and serves from a volume",
    async () => {
      const folder = join(temporaryDirectory(), "prod");
      mkdirSync(folder);
      writeCluster(folder);
      chmodSync(folder, 0o777);
      const volume = ["--volume", `${folder}:/var/lib/omnigraph`];
      await once(volume, "cluster", "import");
      expect(await once(volume, "cluster", "apply", "--as", "act-nina")).toContain("converged: true");
      await once(volume, "load", "graphs/atlas.omni", "--data", "ships.ndjson", "--mode", "append");

      const serving = await serve([...volume, ...OPEN, "--env", "OMNIGRAPH_CLUSTER=."]);
      expect(await storedRows(serving.url)).toEqual(SHIPS);
      const exec = await run("exec", serving.id, "omnigraph", "cluster", "status", "--json");
      expect(JSON.parse(exec)).toMatchObject({ ok: true });
      await run("exec", serving.id, "omnigraph", "healthcheck", "--url", serving.url);
      expect(await stop(serving)).toBe(0);
    },
    CONTAINER_MS_MAX,
  );

  it(
    "applies, loads and serves from a bucket, with no volume",
    async () => {
      const s3 = await liveS3();
      const root = `s3://${s3.bucket}/container-${process.pid}-${Date.now()}`;
      const folder = join(temporaryDirectory(), "prod");
      mkdirSync(folder);
      writeCluster(folder, `storage: ${root}\n`);
      const aws = Object.entries(s3.env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
      const source = [...aws, "--volume", `${folder}:/config:ro`];
      await once(source, "cluster", "import", "--config", "/config");
      expect(await once(source, "cluster", "apply", "--config", "/config")).toContain("converged: true");
      await once(
        source,
        ...["load", `${root}/graphs/atlas.omni`, "--data", "/config/ships.ndjson", "--mode", "append"],
      );

      const serving = await serve([...aws, ...OPEN], "--cluster", root);
      expect(await storedRows(serving.url)).toEqual(SHIPS);
      expect(await stop(serving)).toBe(0);
    },
    CONTAINER_MS_MAX,
  );
});
