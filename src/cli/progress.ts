// One line on stderr that says how far a long command is: only for a person at a terminal, and only when it takes long.

import type { Context } from "./context.ts";
import { flagOn, type Invocation } from "./parse.ts";

/** Milliseconds before the line appears; most commands are done by then. */
const PATIENCE_MS = 500;
/** Milliseconds between two states of the line. */
const REDRAW_MS = 200;
const ERASE_LINE = "\r\u001b[K";

export interface Progress {
  /** The same chunks, counted. */
  counting(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  rows(count: number): void;
  /** Erases the line. */
  end(): Promise<void>;
}

/** Starts to show progress where somebody is looking, else nothing. */
export function startProgress(context: Context, invocation: Invocation, verb: string): Progress {
  const { ports, stderr } = context.io;
  const isShown = stderr.isTerminal && !flagOn(invocation, "quiet") && !flagOn(invocation, "json");
  const started = ports.now();
  let bytes = 0;
  let rows = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let drawing: Promise<void> = Promise.resolve();

  const draw = () => {
    const now = ports.now();
    if (!isShown || now - started < PATIENCE_MS || now - drawnAt < REDRAW_MS) return;
    drawnAt = now;
    const megabytes = (bytes / 1_000_000).toFixed(1);
    const text = rows === 0 ? `${megabytes} MB` : `${rows.toLocaleString("en-US")} rows, ${megabytes} MB`;
    drawing = drawing.then(() => stderr.write(`${ERASE_LINE}${verb}: ${text}`));
  };

  return {
    counting: async function* (chunks) {
      bytes = 0;
      for await (const chunk of chunks) {
        bytes += chunk.length;
        draw();
        yield chunk;
      }
    },
    rows: (count) => {
      rows = count;
      draw();
    },
    end: async () => {
      await drawing;
      if (drawnAt !== Number.NEGATIVE_INFINITY) await stderr.write(ERASE_LINE);
    },
  };
}
