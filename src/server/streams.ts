// Answers that stream: how many may run at once, and how their chunks reach a client that may be slow.

import { tooLarge } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import { EXPORT_STREAM_BYTES, EXPORT_STREAMS_MAX, EXPORT_WAIT_MS } from "./limits.ts";

export interface StreamSlots {
  /** Takes a slot, waiting a moment for one; throws (413) when none comes free. */
  readonly take: () => Promise<() => void>;
}

/** The server's export capacity. */
export function createStreamSlots(ports: Ports): StreamSlots {
  let taken = 0;
  const waiting: (() => void)[] = [];

  /** Gives a slot back once, however often it is called. */
  const releaser = () => {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = waiting.shift();
      if (next === undefined) taken--;
      else next();
    };
  };

  return {
    async take() {
      if (taken < EXPORT_STREAMS_MAX) {
        taken++;
        return releaser();
      }
      let handOver = () => {};
      const handed = new Promise<true>((resolve) => {
        handOver = () => resolve(true);
      });
      waiting.push(handOver);
      if (await Promise.race([handed, ports.sleep(EXPORT_WAIT_MS).then(() => false)])) return releaser();
      const place = waiting.indexOf(handOver);
      if (place < 0) return releaser();
      waiting.splice(place, 1);
      throw exhausted();
    },
  };
}

const exhausted = () =>
  tooLarge(
    "stream_export_transport_bytes",
    EXPORT_STREAMS_MAX * EXPORT_STREAM_BYTES,
    (EXPORT_STREAMS_MAX + 1) * EXPORT_STREAM_BYTES,
  );

/**
 * A 200 answer whose body is pulled from `chunks` only as fast as the client takes it. `done` runs once, when the
 * stream ends, fails or is abandoned. A failure cuts the connection, so that a clean end means a complete body.
 */
export function streamResponse(
  chunks: AsyncIterable<Uint8Array>,
  contentType: string,
  done: (failure: unknown) => void,
): Response {
  const iterator = chunks[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await iterator.next();
          if (next.done !== true) {
            controller.enqueue(next.value);
            return;
          }
          controller.close();
          done(undefined);
        } catch (error) {
          controller.error(error);
          done(error);
        }
      },
      async cancel() {
        try {
          await iterator.return?.();
        } finally {
          done(undefined);
        }
      },
    },
    // Nothing is read ahead of the socket's own queue.
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { "content-type": contentType } });
}
