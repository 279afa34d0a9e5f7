// What the figures were measured on.

import { readFileSync } from "node:fs";
import { arch, cpus, release, totalmem, type } from "node:os";
import { VERSION } from "../../src/lib/version.ts";

/** One line: processor, cores, memory, system, Bun and omnigraph. */
export function machineName(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const cores = `${processors.length} ${processors.length === 1 ? "core" : "cores"}`;
  return [model, cores, memory, systemName(), `Bun ${Bun.version}`, `omnigraph ${VERSION}`].join(", ");
}

function systemName(): string {
  const kernel = `${type()} ${release()} ${arch()}`;
  try {
    const name = /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
    return name === undefined ? kernel : `${name} (${kernel})`;
  } catch {
    // Not every system has the file; the kernel's name then has to do.
    return kernel;
  }
}
