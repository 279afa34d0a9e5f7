// Sends one request to an object store until there is a verdict on it. Shared by the S3 adapter and by the memory
// adapter, so that the simulation runs the very rules that production runs.

import { type Ports, randomUnit } from "../lib/ports.ts";
import type { PutOutcome, Version } from "./adapter.ts";
import { type Answer, classify, type RequestIntent, type Verdict } from "./classify.ts";
import {
  REQUEST_ATTEMPTS_MAX,
  REQUEST_RETRY_MS_MAX,
  RETRY_PAUSE_MS_FIRST,
  RETRY_PAUSE_MS_MAX,
} from "./limits.ts";

/** What one try came to. */
export type Reply<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & Failed);

export interface Failed {
  readonly answer: Answer;
  readonly cause: Error;
}

/** What the request came to. `unknown` and `retry` are what the last try left behind. */
export type Settled<T> =
  | { readonly verdict: "done"; readonly value: T }
  | ({ readonly verdict: Verdict } & Failed);

/**
 * Repeats `attempt` while the classifier says that it may be repeated, with growing random pauses. A conditional put whose
 * fate is unknown is never repeated, because its own first try might make it lose; and one that lost after the store
 * had trouble with an earlier try is unknown too, for the same reason.
 */
export async function settle<T>(
  ports: Ports,
  intent: RequestIntent,
  attempt: () => Promise<Reply<T>>,
): Promise<Settled<T>> {
  const isConditional = intent === "put-if-absent" || intent === "put-if-match";
  const deadline = ports.now() + REQUEST_RETRY_MS_MAX;
  let hadTrouble = false;
  for (let tries = 1; ; tries++) {
    const reply = await attempt();
    if (reply.ok) return { verdict: "done", value: reply.value };
    const { answer, cause } = reply;
    const verdict = classify(intent, answer);
    if (verdict === "lost" && hadTrouble) return { verdict: "unknown", answer, cause };
    const mayRepeat = verdict === "retry" || (verdict === "unknown" && !isConditional);
    const isSpent = tries === REQUEST_ATTEMPTS_MAX || ports.now() > deadline;
    if (!mayRepeat || isSpent) return { verdict, answer, cause };
    hadTrouble ||= answer.status !== null && answer.status >= 500;
    await ports.sleep(pauseMs(tries, ports));
  }
}

function pauseMs(tries: number, ports: Ports): number {
  return Math.min(RETRY_PAUSE_MS_MAX, RETRY_PAUSE_MS_FIRST * 2 ** (tries - 1)) * randomUnit(ports);
}

/**
 * The outcome of a conditional put; `refused` throws where the store did not take it. A put that met nothing but
 * conflicts to the end did not happen, so it is lost.
 */
export function putOutcome(settled: Settled<Version>, refused: (failed: Failed) => never): PutOutcome {
  switch (settled.verdict) {
    case "done":
      return { outcome: "won", version: settled.value };
    case "lost":
      return { outcome: "lost" };
    case "unknown":
      return { outcome: "unknown", cause: settled.cause };
    case "retry":
      return settled.answer.status === 409 ? { outcome: "lost" } : refused(settled);
    case "missing":
    case "refused":
      return refused(settled);
  }
}
