#!/usr/bin/env node
// Runs the pinned Bun with the given arguments, on a machine that has only Node and npm.
// The executable comes in a package of its own per platform. The install script of the `bun` package moves it into that
// package; package managers may refuse to run install scripts, and then it is still where it came.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const modules = join(dirname(fileURLToPath(import.meta.url)), "..", "node_modules");
const platforms = join(modules, "@oven");
const suffix = process.platform === "win32" ? "bun.exe" : "bun";
const candidates = [
  join(modules, "bun", "bin", "bun.exe"),
  ...(existsSync(platforms) ? readdirSync(platforms) : [])
    .sort((a, b) => a.length - b.length)
    .map((name) => join(platforms, name, "bin", suffix)),
].filter(existsSync);
// More than one may be there (musl, baseline, a placeholder of the install script): the first that starts is the one.
const bun = candidates.find((path) => spawnSync(path, ["--version"]).status === 0);
if (bun === undefined) {
  console.error("bun.mjs: no Bun executable for this platform under node_modules; run `npm install` first");
  process.exit(1);
}

const child = spawn(bun, process.argv.slice(2), {
  stdio: "inherit",
  env: { ...process.env, PATH: `${dirname(bun)}:${process.env.PATH ?? ""}` },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
