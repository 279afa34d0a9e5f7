// What a running command has: its streams, and the operator config, read when first asked for.

import type { JsonValue } from "../lib/json.ts";
import { prettyJson } from "../lib/json.ts";
import { type OperatorConfig, readOperatorConfig } from "./config.ts";
import type { Io } from "./io.ts";

export interface Context {
  readonly io: Io;
  /** The operator config; read once, warning once about keys it does not know. */
  config(): Promise<OperatorConfig>;
  /** A line on stdout. */
  print(line: string): Promise<void>;
  /** A document on stdout. */
  printJson(value: object): Promise<void>;
  warn(text: string): Promise<void>;
  note(text: string): Promise<void>;
}

export function createContext(io: Io): Context {
  let config: Promise<OperatorConfig> | null = null;
  const warn = (text: string) => io.stderr.write(`warning: ${text}\n`);
  return {
    io,
    config: () => {
      config ??= readOperatorConfig(io.ports, warn);
      return config;
    },
    print: (line) => io.stdout.write(`${line}\n`),
    printJson: (value) => io.stdout.write(`${prettyJson(value as JsonValue)}\n`),
    warn,
    note: (text) => io.stderr.write(`note: ${text}\n`),
  };
}
