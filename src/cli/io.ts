// The edges of a command: its streams, its directory, and the world's ports. main.ts makes the real one; tests make
// one that remembers.

import type { Ports } from "../lib/ports.ts";

/** The reader of an output has gone away (`| head`): the command ends quietly with 141. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

export interface Output {
  readonly isTerminal: boolean;
  /** Resolves when the bytes are handed over; throws OutputClosed where nobody reads any more. */
  write(data: string | Uint8Array): Promise<void>;
}

export interface Input {
  readonly isTerminal: boolean;
  /** Everything that is left, in chunks. */
  chunks(): AsyncIterable<Uint8Array>;
  /** One line without its end, or null at the end of the input. */
  line(): Promise<string | null>;
}

export interface Io {
  readonly ports: Ports;
  /** When the process began, in ms since the epoch. */
  readonly startedAt: number;
  /** Where relative paths start: an absolute path. */
  readonly directory: string;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Lets the command answer SIGINT and SIGTERM itself instead of ending the process at once. */
  takeSignals(): void;
}
