// Does this object store keep the promise that commits rest on: of any number of conditional puts of one name, one wins?
// Some ignore the condition and overwrite, some check and then act. A store that fails is refused for writing, by name;
// one that passed leaves a mark below the root, so that the question is asked once.

import { assert } from "../lib/assert.ts";
import { sha256Hex } from "../lib/digest.ts";
import { OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import { decodeUtf8, encodeUtf8 } from "../lib/utf8.ts";
import type { PutOutcome, StorageAdapter } from "./adapter.ts";
import { FileStorage } from "./file.ts";
import { PROBE_RACERS } from "./limits.ts";

const NAME_BYTES = 16;

const markKey = (storage: StorageAdapter) => `probe/${sha256Hex(storage.endpoint)}.json`;

/**
 * True when this store is known to keep conditional puts: it left its mark, or needs none (files, memory). One request
 * on a bucket, which a caller may send beside its other first reads.
 */
export async function readProbeMark(storage: StorageAdapter): Promise<boolean> {
  return storage.kind !== "s3" || (await storage.get(markKey(storage))) !== null;
}

/**
 * Makes sure, before anything is written, that conditional puts on this storage have one winner; throws, naming the store,
 * where they do not. Three waves of requests on a bucket without the mark; a local file system must have hard links.
 * The mark is asked for at once; what has to be written to find out waits until `mayWrite` resolves.
 */
export async function ensureConditionalWrites(
  storage: StorageAdapter,
  ports: Ports,
  mayWrite: Promise<unknown> = Promise.resolve(),
): Promise<void> {
  const [isProven] = await Promise.all([readProbeMark(storage), mayWrite]);
  if (storage instanceof FileStorage) return storage.requireHardLinks();
  if (!isProven) await probe(storage, ports);
}

async function probe(storage: StorageAdapter, ports: Ports): Promise<void> {
  const single = `probe/${randomName(ports)}`;
  const raced = `probe/${randomName(ports)}`;
  const claims = Array.from({ length: PROBE_RACERS }, (_, racer) => encodeUtf8(`racer ${racer}`));
  const [first, ...race] = await Promise.all([
    storage.putIfAbsent(single, encodeUtf8("first")),
    ...claims.map((claim) => storage.putIfAbsent(raced, claim)),
  ]);
  const [second, kept] = await Promise.all([
    storage.putIfAbsent(single, encodeUtf8("second")),
    storage.get(raced),
  ]);
  const fault = faultOf(first, second) ?? raceFaultOf(race, kept === null ? null : decodeUtf8(kept.bytes));
  await Promise.all([storage.delete(single), storage.delete(raced)]);
  if (fault !== null) throw refusal(storage, fault);
  const mark = { endpoint: storage.endpoint, passed_at: new Date(ports.now()).toISOString() };
  await storage.put(markKey(storage), encodeUtf8(JSON.stringify(mark)));
}

function faultOf(first: PutOutcome, second: PutOutcome): string | null {
  if (first.outcome === "lost") return "a conditional put of a new object was turned down";
  if (second.outcome === "won") return "a conditional put overwrote an existing object";
  return null;
}

/** An outcome that stayed unknown is settled by what was kept, as everywhere. */
function raceFaultOf(race: readonly PutOutcome[], kept: string | null): string | null {
  const winners = race.flatMap(({ outcome }, racer) => (outcome === "won" ? [`racer ${racer}`] : []));
  if (winners.length > 1) return `${winners.length} of ${race.length} conditional puts of one name won`;
  if (kept === null) return "the winner's object of a race of conditional puts is missing";
  if (winners.length === 1 && winners[0] !== kept)
    return "the winner of a race of conditional puts was overwritten";
  const racer = race.findIndex((_, index) => kept === `racer ${index}`);
  assert(racer >= 0, "a racer's object holds what a racer wrote");
  return race[racer].outcome === "lost" ? "a conditional put was reported lost and kept" : null;
}

function refusal(storage: StorageAdapter, fault: string): OmnigraphError {
  return new OmnigraphError(
    "internal",
    `the object store at ${storage.endpoint} does not keep conditional writes (If-None-Match: *): ${fault}. ` +
      "omnigraph does not write to it, because two writers would overwrite each other; nothing was written",
  );
}

function randomName(ports: Ports): string {
  return ports.randomBytes(new Uint8Array(NAME_BYTES)).toHex();
}
