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
  const line = new ProgressLine(context, invocation, verb);
  let bytes = 0;
  let rows = 0;
  const draw = () =>
    line.draw(() => {
      const megabytes = (bytes / 1_000_000).toFixed(1);
      return rows === 0 ? `${megabytes} MB` : `${rows.toLocaleString("en-US")} rows, ${megabytes} MB`;
    });
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
    end: () => line.end(),
  };
}

/** Runs work that does not tell by itself how far it is; `state` is asked now and then. */
export async function showingProgress<T>(
  context: Context,
  invocation: Invocation,
  verb: string,
  state: () => string,
  work: () => Promise<T>,
): Promise<T> {
  const line = new ProgressLine(context, invocation, verb);
  const ticker = { isOver: !line.isShown };
  const tick = async () => {
    while (!ticker.isOver) {
      line.draw(state);
      await context.io.ports.sleep(REDRAW_MS);
    }
  };
  void tick();
  try {
    return await work();
  } finally {
    ticker.isOver = true;
    await line.end();
  }
}

class ProgressLine {
  readonly isShown: boolean;
  private readonly started: number;
  private drawnAt = Number.NEGATIVE_INFINITY;
  private drawing: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: Context,
    invocation: Invocation,
    private readonly verb: string,
  ) {
    const { ports, stderr } = context.io;
    this.isShown = stderr.isTerminal && !flagOn(invocation, "quiet") && !flagOn(invocation, "json");
    this.started = ports.now();
  }

  /** Writes the line anew, unless it is too early for that. */
  draw(text: () => string): void {
    const { ports, stderr } = this.context.io;
    const now = ports.now();
    if (!this.isShown || now - this.started < PATIENCE_MS || now - this.drawnAt < REDRAW_MS) return;
    this.drawnAt = now;
    this.drawing = this.drawing.then(() => stderr.write(`${ERASE_LINE}${this.verb}: ${text()}`));
  }

  /** Erases the line. */
  async end(): Promise<void> {
    await this.drawing;
    if (this.drawnAt !== Number.NEGATIVE_INFINITY) await this.context.io.stderr.write(ERASE_LINE);
  }
}
