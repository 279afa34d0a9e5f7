// What a cluster command has to say about what it met, in the one shape that people and scripts read.

import { OmnigraphError } from "../lib/errors.ts";
import { toldProblems } from "../lib/problems.ts";

export type Severity = "error" | "warning";

export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  /** A key path of cluster.yaml, a resource address, a file under the storage root, or a storage location. */
  readonly path: string;
  readonly message: string;
}

export const errorAt = (code: string, path: string, message: string): Diagnostic => ({
  code,
  severity: "error",
  path,
  message,
});

export const warningAt = (code: string, path: string, message: string): Diagnostic => ({
  code,
  severity: "warning",
  path,
  message,
});

/** No diagnostic of severity error. Warnings never make a command fail. */
export const isOk = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.every((diagnostic) => diagnostic.severity !== "error");

/** What was thrown, a text for each problem of a source. */
export const messagesOf = (thrown: unknown): string[] =>
  thrown instanceof OmnigraphError ? toldProblems(thrown).map(({ text }) => text) : [messageOf(thrown)];

export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
