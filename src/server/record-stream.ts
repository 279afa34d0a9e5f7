// Answers that stream a graph's records, within the server's capacity for such streams.

import type { GraphCall } from "./route.ts";
import { streamResponse } from "./streams.ts";

const CONTENT_TYPE = "application/x-ndjson; charset=utf-8";

/** Takes a slot and streams what `open` gives; whatever `open` refuses is refused before the first byte. */
export async function recordStream(
  { service, served }: Pick<GraphCall, "service" | "served">,
  what: "export" | "baseline",
  open: () => Promise<AsyncIterable<Uint8Array>>,
): Promise<Response> {
  const release = await service.exports.take();
  try {
    return streamResponse(await open(), CONTENT_TYPE, (failure) => {
      release();
      if (failure !== undefined) {
        const error = failure instanceof Error ? failure.message : String(failure);
        service.log.log("error", `${what} failed after its headers`, { graph_id: served.id, error });
      }
    });
  } catch (error) {
    release();
    throw error;
  }
}
