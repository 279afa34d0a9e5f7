// Golden graphs: one for each storage format that ever was, as it was written then, with the answers that it gave.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommitOutput, SnapshotOutput } from "../../src/engine/outputs.ts";

export const GOLDEN = join(import.meta.dir, "..", "fixtures", "golden");

export interface GoldenQuery {
  readonly source: string;
  readonly branch?: string;
  /** As JSON text, with every digit. */
  readonly rows: string;
}

export interface GoldenAnswers {
  readonly branches: readonly string[];
  /** By branch, newest first. */
  readonly commits: Readonly<Record<string, readonly CommitOutput[]>>;
  /** Of main. */
  readonly snapshot: SnapshotOutput;
  /** Lines by branch or commit id, of the types whose names begin them. */
  readonly exports: Readonly<Record<string, readonly string[]>>;
  readonly queries: readonly GoldenQuery[];
}

export interface GoldenGraph {
  readonly format: string;
  /** Its root. Nothing may be written there. */
  readonly root: string;
  readonly answers: GoldenAnswers;
}

export function goldenGraphs(): GoldenGraph[] {
  return readdirSync(GOLDEN).map((format) => ({
    format,
    root: join(GOLDEN, format, "graph.omni"),
    answers: JSON.parse(readFileSync(join(GOLDEN, format, "answers.json"), "utf8")),
  }));
}
