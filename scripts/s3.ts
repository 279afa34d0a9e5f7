// A live S3 server for the tests, one per run: what the environment names, else RustFS, else versitygw, else the suite's
// own server in memory. `bun scripts/s3.ts` starts it by hand and prints what to paste into another shell.

import { existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface LiveS3 {
  /** What it is, for the line at the end of a run. */
  readonly name: string;
  readonly endpoint: string;
  readonly bucket: string;
  /** The AWS_* variables that lead a client there. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const BUCKET = "omnigraph-test";
const ACCESS_KEY = "omnigraph-test-key";
const SECRET_KEY = "omnigraph-test-secret";
const VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
const RUSTFS_IMAGE = "rustfs/rustfs:latest";
const READY_MS_MAX = 20_000;
const READY_POLL_MS = 20;
const DOCKER_ANSWER_MS_MAX = 5_000;
const PULL_MS_MAX = 120_000;
const DAY_MS = 24 * 60 * 60 * 1_000;
const INSTALL_MS_MAX = 600_000;
const CACHE = join(import.meta.dir, "..", "node_modules", ".cache", "omnigraph");

let started: Promise<LiveS3> | null = null;

/** The server of this run, started when it is first asked for. Give every test a prefix of its own in the bucket. */
export function liveS3(): Promise<LiveS3> {
  started ??= startLiveS3(process.env);
  return started;
}

/** Stops the server of this run; answers what it was, or null when nobody asked for one. */
export async function stopLiveS3(): Promise<string | null> {
  if (started === null) return null;
  const server = await started.catch(() => null);
  await server?.stop();
  return server?.name ?? null;
}

/** Finds or starts a server, in the order that the head of this file gives. `cache` keeps what was fetched once. */
export async function startLiveS3(env: Environment, cache = CACHE): Promise<LiveS3> {
  const server =
    namedByEnvironment(env) ??
    (await startRustfs(env)) ??
    (await startRustfsImage(env, cache)) ??
    (await startVersitygw(env, cache));
  if (server !== null) return server;
  if (env.OMNIGRAPH_S3_REQUIRE_LIVE === "1") {
    throw new Error(
      "no live S3 server, and OMNIGRAPH_S3_REQUIRE_LIVE=1 demands one: name one with AWS_ENDPOINT_URL_S3 and " +
        "OMNIGRAPH_S3_TEST_BUCKET, or put rustfs, versitygw or go on PATH",
    );
  }
  const { startS3Server } = await import("../test/support/s3-server.ts");
  const { endpoint, bucket, env: aws, stop } = await startS3Server({ buckets: [BUCKET] });
  return { name: "the suite's own, in memory (no live one was found)", endpoint, bucket, env: aws, stop };
}

const which = (name: string, env: Environment) => Bun.which(name, { PATH: env.PATH ?? "" });

function namedByEnvironment(env: Environment): LiveS3 | null {
  const { AWS_ENDPOINT_URL_S3: endpoint, OMNIGRAPH_S3_TEST_BUCKET: bucket } = env;
  if (!endpoint || !bucket) return null;
  const aws = Object.entries(env).filter(([name, value]) => name.startsWith("AWS_") && value !== undefined);
  return {
    name: `${endpoint}, bucket ${bucket} (named by the environment)`,
    endpoint,
    bucket,
    env: Object.fromEntries(aws) as Record<string, string>,
    stop: async () => {},
  };
}

async function startRustfs(env: Environment): Promise<LiveS3 | null> {
  const binary = env.RUSTFS_BIN || which("rustfs", env);
  if (!binary) return null;
  return startProcess(`RustFS (${binary})`, (address, directory) => ({
    command: [binary, "--address", address, directory],
    env: {
      RUSTFS_ACCESS_KEY: ACCESS_KEY,
      RUSTFS_SECRET_KEY: SECRET_KEY,
      RUSTFS_CONSOLE_ENABLE: "false",
      RUSTFS_OBS_LOGGER_LEVEL: "error",
    },
  }));
}

async function startRustfsImage(env: Environment, cache: string): Promise<LiveS3 | null> {
  const docker = which("docker", env);
  if (docker === null || !succeeds([docker, "info"], DOCKER_ANSWER_MS_MAX)) return null;
  if (!hasRustfsImage(docker, cache)) return null;
  const secrets = ["-e", `RUSTFS_ACCESS_KEY=${ACCESS_KEY}`, "-e", `RUSTFS_SECRET_KEY=${SECRET_KEY}`];
  return startProcess(`RustFS (Docker image ${RUSTFS_IMAGE})`, (address) => ({
    command: [docker, "run", "--rm", "--init", "-p", `${address}:9000`, ...secrets, RUSTFS_IMAGE, "/data"],
    env: {},
  }));
}

/** Has the image or pulls it; a pull that failed is not repeated for a day, so that an offline machine does not wait. */
function hasRustfsImage(docker: string, cache: string): boolean {
  if (succeeds([docker, "image", "inspect", RUSTFS_IMAGE], DOCKER_ANSWER_MS_MAX)) return true;
  const failure = join(cache, "rustfs-pull-failed");
  const failedAt = statSync(failure, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Date.now() - failedAt < DAY_MS) return false;
  if (succeeds([docker, "pull", RUSTFS_IMAGE], PULL_MS_MAX)) return true;
  mkdirSync(cache, { recursive: true });
  writeFileSync(failure, "");
  return false;
}

async function startVersitygw(env: Environment, cache: string): Promise<LiveS3 | null> {
  const binary = findVersitygw(env, cache) ?? installVersitygw(env, cache);
  if (binary === null) return null;
  return startProcess(`versitygw (${binary})`, (address, directory) => ({
    command: [binary, "--port", address, "--quiet", "posix", directory],
    env: { ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
  }));
}

function findVersitygw(env: Environment, cache: string): string | null {
  const goPaths = [...(env.GOPATH ?? "").split(":"), join(env.HOME ?? "/", "go")].filter(
    (path) => path !== "",
  );
  const folders = [cache, ...goPaths.map((path) => join(path, "bin"))];
  const kept = folders.map((folder) => join(folder, "versitygw")).find((path) => existsSync(path));
  return which("versitygw", env) ?? kept ?? null;
}

function installVersitygw(env: Environment, cache: string): string | null {
  const go = which("go", env);
  if (go === null) return null;
  mkdirSync(cache, { recursive: true });
  console.error(`installing ${VERSITYGW} into ${cache}, once (about 80 s) …`);
  const installed = succeeds([go, "install", VERSITYGW], INSTALL_MS_MAX, { GOBIN: cache });
  return installed ? join(cache, "versitygw") : null;
}

function succeeds(command: string[], timeout: number, env: Readonly<Record<string, string>> = {}): boolean {
  const { exitCode } = Bun.spawnSync(command, {
    stdout: "ignore",
    stderr: "ignore",
    timeout,
    env: { ...process.env, ...env },
  });
  return exitCode === 0;
}

interface ServerProcess {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The server runs under a shell that also waits for the end of its own input: when this process ends, however it ends, the
 * pipe closes, the server is stopped and its directory removed. The traps are for signals that hit the whole process group.
 */
const UNTIL_INPUT_ENDS = [
  "trap : INT TERM HUP",
  "exec 3<&0",
  '"$@" 3<&- & server=$!',
  '{ cat <&3 >/dev/null; kill "$server"; } 2>/dev/null &',
  'wait "$server"; wait "$server"',
  'rm -rf "$DIRECTORY"',
].join("\n");

async function startProcess(
  name: string,
  describe: (address: string, directory: string) => ServerProcess,
): Promise<LiveS3> {
  const directory = mkdtempSync(join(tmpdir(), "omnigraph-s3-"));
  const port = freePort();
  const { command, env } = describe(`127.0.0.1:${port}`, directory);
  const child = Bun.spawn(["sh", "-c", UNTIL_INPUT_ENDS, "sh", ...command], {
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
    env: { ...process.env, ...env, DIRECTORY: directory },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await child.stdin.end();
    await child.exited;
  };
  const aws = {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ALLOW_HTTP: "true",
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
  };
  try {
    await makeBucket(endpoint, child);
  } catch (thrown) {
    await stop();
    throw new Error(`${name} did not start on ${endpoint}`, { cause: thrown });
  }
  return { name, endpoint, bucket: BUCKET, env: aws, stop };
}

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

async function makeBucket(endpoint: string, server: Bun.Subprocess): Promise<void> {
  // Loaded here, because every test run loads this file and few ask for a server.
  const { CreateBucketCommand, S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
  });
  const deadline = Date.now() + READY_MS_MAX;
  for (;;) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      return;
    } catch (thrown) {
      if (Date.now() > deadline || server.exitCode !== null) throw thrown;
      await Bun.sleep(READY_POLL_MS);
    }
  }
}

if (import.meta.main) {
  const server = await liveS3();
  console.error(`# ${server.name}; Ctrl-C stops it`);
  const exports = { ...server.env, OMNIGRAPH_S3_TEST_BUCKET: server.bucket };
  for (const [name, value] of Object.entries(exports)) console.log(`export ${name}=${value}`);
  process.on("SIGINT", async () => {
    await stopLiveS3();
    process.exit(0);
  });
}
