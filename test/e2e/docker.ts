// A Docker daemon for the container test: the one that is there, or one of its own where it may start one.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Environment, type Finished, finish, temporaryDirectory } from "./support.ts";

export interface Docker {
  /** The environment in which `docker` reaches the daemon. */
  readonly env: Environment;
  run(...words: readonly string[]): Promise<Finished>;
  stop(): Promise<void>;
}

const READY_MS_MAX = 30_000;
const READY_POLL_MS = 200;

/** A daemon, or the reason why there is none. */
export async function findDocker(): Promise<Docker | string> {
  const PATH = process.env.PATH ?? "";
  if (Bun.which("docker", { PATH }) === null) return "there is no docker here";
  const given = process.env.DOCKER_HOST;
  const env = { PATH, HOME: temporaryDirectory(), ...(given === undefined ? {} : { DOCKER_HOST: given }) };
  if ((await finish(["docker", "info"], { env })).code === 0) return dockerIn(env, async () => {});
  if (process.getuid?.() !== 0) return "no Docker daemon answers, and only root can start one";
  if (Bun.which("dockerd", { PATH }) === null) return "no Docker daemon answers, and there is no dockerd";
  return startDaemon(PATH);
}

function dockerIn(env: Environment, stop: () => Promise<void>): Docker {
  return { env, run: (...words) => finish(["docker", ...words], { env }), stop };
}

/** A daemon with everything of its own in one directory; containers share the network of this machine. */
async function startDaemon(PATH: string): Promise<Docker | string> {
  const directory = temporaryDirectory();
  const socket = `unix://${join(directory, "docker.sock")}`;
  const log = Bun.file(join(directory, "log"));
  const daemon = Bun.spawn(
    [
      ...["dockerd", "--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--bridge=none"],
      ...["--data-root", join(directory, "data"), "--exec-root", join(directory, "exec")],
      ...["--pidfile", join(directory, "pid"), "--host", socket],
    ],
    { env: { PATH }, stdin: "ignore", stdout: log, stderr: log },
  );
  const stop = async () => {
    daemon.kill("SIGTERM");
    await daemon.exited;
    await unmountBelow(directory);
  };
  const env = { PATH, HOME: directory, DOCKER_HOST: socket };
  const deadline = Date.now() + READY_MS_MAX;
  while (daemon.exitCode === null && Date.now() < deadline) {
    const isListening = existsSync(join(directory, "docker.sock"));
    if (isListening && (await finish(["docker", "info"], { env })).code === 0) return dockerIn(env, stop);
    await Bun.sleep(READY_POLL_MS);
  }
  await stop();
  const said = (await log.text()).trim().split("\n").at(-1);
  return `dockerd does not start here: ${said}`;
}

/** The daemon leaves a network namespace mounted in its directory, which could then not be removed. */
async function unmountBelow(directory: string): Promise<void> {
  const points = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((point) => point.startsWith(`${directory}/`));
  for (const point of points.reverse())
    await finish(["umount", point], { env: { PATH: process.env.PATH ?? "" } });
}
