// Routes whose failures say nothing about storage: what broke is for the log, the client gets a fixed sentence.

import { OmnigraphError } from "../lib/errors.ts";
import { renderError } from "./errors.ts";
import type { GraphCall } from "./route.ts";

/** Runs `work`; refusals pass, a failure of ours is logged under `logged` and answered with `shown`. */
export async function hidingFailures(
  { service, served }: Pick<GraphCall, "service" | "served">,
  { logged, shown }: { readonly logged: string; readonly shown: string },
  work: () => Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof OmnigraphError && thrown.kind !== "internal") throw thrown;
    if (thrown instanceof DOMException) throw thrown;
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    service.log.log("error", logged, { graph_id: served.id, error: detail });
    return renderError(new OmnigraphError("internal", shown));
  }
}
