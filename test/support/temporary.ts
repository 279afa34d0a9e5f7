// Directories that last as long as the run: this module is loaded once, whichever files use it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const directories: string[] = [];

/** A new empty directory, removed after the last test of the run. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "omnigraph-test-"));
  directories.push(directory);
  return directory;
}

/** Called once, by the preload. */
export function removeTemporaryDirectories(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}
