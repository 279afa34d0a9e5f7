// Putting an object that must not exist, and finding out what became of it.

import { type Ports, randomUnit } from "../lib/ports.ts";
import type { PutOutcome, StorageAdapter, StoredObject, Version } from "../storage/adapter.ts";
import { SETTLE_ATTEMPTS_MAX, SETTLE_WAIT_MS_MAX } from "./limits.ts";

/** First wait before an uncertain put is looked at again, in ms; it doubles. */
const SETTLE_WAIT_MS_MIN = 20;

/**
 * Creates an object unless there is one. An uncertain put, and one that was reported lost though a retry of our own may
 * have won, are settled by reading back: `isOurs` knows our bytes by something unique in them. `unreachable`: storage
 * does not tell, and the object may be there or come yet.
 */
export async function settlePut(
  storage: StorageAdapter,
  ports: Ports,
  key: string,
  bytes: Uint8Array,
  isOurs: (bytes: Uint8Array) => boolean,
): Promise<"won" | "lost" | "unreachable"> {
  let put = await storage.putIfAbsent(key, bytes);
  let isUncertain = false;
  for (let attempt = 0; ; attempt++) {
    if (put.outcome === "won") return "won";
    isUncertain ||= put.outcome === "unknown";
    const there = await readBack(storage, key);
    if (there === "missing") put = await putAgain(storage, key, bytes);
    else if (there !== "unreachable") return isOurs(there.bytes) ? "won" : "lost";
    if (put.outcome !== "won" && attempt >= SETTLE_ATTEMPTS_MAX) return isUncertain ? "unreachable" : "lost";
    if (there === "unreachable" || put.outcome !== "won") await pause(ports, attempt);
  }
}

/**
 * Replaces an object that is still at `version`. An uncertain replacement, and one that was reported lost though a retry of
 * our own may have won, are settled in the same way.
 */
export async function settleReplacement(
  storage: StorageAdapter,
  ports: Ports,
  key: string,
  bytes: Uint8Array,
  version: Version,
  isOurs: (bytes: Uint8Array) => boolean,
): Promise<"won" | "lost" | "unreachable"> {
  for (let attempt = 0; ; attempt++) {
    const put = await replaceAgain(storage, key, bytes, version, attempt);
    if (put.outcome === "won") return "won";
    const there = await readBack(storage, key);
    if (there === "missing") return "lost";
    if (there !== "unreachable" && isOurs(there.bytes)) return "won";
    if (there !== "unreachable" && there.version !== version) return "lost";
    if (attempt >= SETTLE_ATTEMPTS_MAX) return "unreachable";
    await pause(ports, attempt);
  }
}

async function readBack(
  storage: StorageAdapter,
  key: string,
): Promise<StoredObject | "missing" | "unreachable"> {
  try {
    return (await storage.get(key)) ?? "missing";
  } catch {
    return "unreachable";
  }
}

/** After a first put whose fate is unknown, a failure to reach storage is one more uncertainty, not an answer. */
async function putAgain(storage: StorageAdapter, key: string, bytes: Uint8Array): Promise<PutOutcome> {
  try {
    return await storage.putIfAbsent(key, bytes);
  } catch (thrown) {
    return { outcome: "unknown", cause: thrown instanceof Error ? thrown : new Error(String(thrown)) };
  }
}

async function replaceAgain(
  storage: StorageAdapter,
  key: string,
  bytes: Uint8Array,
  version: Version,
  attempt: number,
): Promise<PutOutcome> {
  try {
    return await storage.putIfMatch(key, bytes, version);
  } catch (thrown) {
    // As above: only a first try that fails says that nothing happened.
    if (attempt === 0) throw thrown;
    return { outcome: "unknown", cause: thrown instanceof Error ? thrown : new Error(String(thrown)) };
  }
}

async function pause(ports: Ports, attempt: number): Promise<void> {
  const longest = Math.min(SETTLE_WAIT_MS_MAX, SETTLE_WAIT_MS_MIN * 2 ** attempt);
  await ports.sleep(longest * (0.5 + randomUnit(ports) / 2));
}
