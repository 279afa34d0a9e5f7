#!/usr/bin/env node
// Runs the pinned Bun with the given arguments, on a machine that has only Node and npm.
// The `bun` package puts its executable in place with an install script, which package managers may refuse
// to run; the executable itself comes in a package of its own per platform, and is used from there.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = join(dirname(fileURLToPath(import.meta.url)), "..", "node_modules", "@oven");
const suffix = process.platform === "win32" ? "bun.exe" : "bun";
const candidates = existsSync(packages)
  ? readdirSync(packages)
      .sort((a, b) => a.length - b.length)
      .map((name) => join(packages, name, "bin", suffix))
      .filter(existsSync)
  : [];
// More than one variant may be installed (musl, baseline): the first that starts here is the one.
const bun = candidates.find((path) => spawnSync(path, ["--version"]).status === 0);
if (bun === undefined) {
  console.error(
    "bun.mjs: no Bun executable for this platform under node_modules/@oven; run `npm install` first",
  );
  process.exit(1);
}

const child = spawn(bun, process.argv.slice(2), {
  stdio: "inherit",
  env: { ...process.env, PATH: `${dirname(bun)}:${process.env.PATH ?? ""}` },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
