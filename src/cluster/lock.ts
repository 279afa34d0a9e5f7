// The lock: one object that at most one command can create. It is never broken by time or by guessing whether its
// holder lives; `force-unlock` with its id is the only other way out.

import type { Ports } from "../lib/ports.ts";
import { parseDateTime } from "../lib/temporal.ts";
import { ulid } from "../lib/ulid.ts";
import type { StorageAdapter, StoredObject } from "../storage/index.ts";
import { type Diagnostic, errorAt, messageOf, type Severity } from "./diagnostics.ts";
import { LOCK_KEY } from "./layout.ts";
import { encodeJsonFile, requireVersion, UnsupportedVersionError } from "./ledger.ts";
import { integerIn, onlyMembers, parseObject, stringIn } from "./strict-json.ts";

export type LockOperation = "plan" | "apply" | "approve" | "refresh" | "import";

export interface LockRecord {
  readonly lockId: string;
  readonly operation: string;
  readonly createdAt: string;
  readonly pid: number;
}

export type LockRead =
  | { readonly kind: "missing" }
  | { readonly kind: "held"; readonly record: LockRecord }
  /** `exists` false where not even that could be learned. */
  | { readonly kind: "broken"; readonly exists: boolean; readonly diagnostic: Diagnostic };

/** Reads the lock without taking it; `severity` is the weight of a lock that cannot be understood. */
export async function readLock(storage: StorageAdapter, severity: Severity): Promise<LockRead> {
  const broken = (exists: boolean, code: string, message: string): LockRead => ({
    kind: "broken",
    exists,
    diagnostic: { code, severity, path: LOCK_KEY, message },
  });
  let object: StoredObject | null;
  try {
    object = await storage.get(LOCK_KEY);
  } catch (thrown) {
    return broken(false, "state_lock_read_error", `cannot read the lock: ${messageOf(thrown)}`);
  }
  if (object === null) return { kind: "missing" };
  try {
    return { kind: "held", record: decodeLock(object.bytes) };
  } catch (thrown) {
    return thrown instanceof UnsupportedVersionError
      ? broken(true, "unsupported_state_lock_version", `lock ${thrown.message}`)
      : broken(true, "invalid_state_lock", `the lock is not valid: ${messageOf(thrown)}`);
  }
}

function decodeLock(bytes: Uint8Array): LockRecord {
  const file = parseObject(bytes);
  requireVersion(file, "version", "lock");
  onlyMembers(file, "lock", ["version", "lock_id", "operation", "created_at", "pid"]);
  return {
    lockId: stringIn(file, "lock_id", "lock"),
    operation: stringIn(file, "operation", "lock"),
    createdAt: stringIn(file, "created_at", "lock"),
    pid: integerIn(file, "pid", "lock"),
  };
}

/** Seconds since the lock was taken, or null where its time cannot be read. */
export function lockAgeSeconds(record: LockRecord, ports: Ports): number | null {
  const created = parseDateTime(record.createdAt);
  return created === null ? null : Math.max(0, Math.floor((ports.now() - created) / 1000));
}

export type LockTaking =
  | { readonly ok: true; readonly lockId: string }
  | { readonly ok: false; readonly diagnostic: Diagnostic; readonly holder: LockRead | null };

/** Takes the lock with one create-if-absent; never waits. */
export async function takeLock(
  storage: StorageAdapter,
  operation: LockOperation,
  ports: Ports,
): Promise<LockTaking> {
  const lockId = ulid(ports);
  const bytes = encodeJsonFile({
    version: 1,
    lock_id: lockId,
    operation,
    created_at: new Date(ports.now()).toISOString(),
    pid: process.pid,
  });
  try {
    const put = await storage.putIfAbsent(LOCK_KEY, bytes);
    if (put.outcome === "won") return { ok: true, lockId };
    // Our own id in the lock: the put landed and only its answer was lost.
    const holder = await readLock(storage, "warning");
    if (holder.kind === "held" && holder.record.lockId === lockId) return { ok: true, lockId };
    if (put.outcome === "lost" || holder.kind === "held") {
      return { ok: false, diagnostic: heldBy(holder), holder };
    }
    return { ok: false, diagnostic: lockError(put.cause.message), holder: null };
  } catch (thrown) {
    return { ok: false, diagnostic: lockError(messageOf(thrown)), holder: null };
  }
}

function heldBy(holder: LockRead): Diagnostic {
  const remedy =
    holder.kind === "held"
      ? ` by ${holder.record.operation} (id ${holder.record.lockId}); when that command is dead, run \`omnigraph cluster force-unlock ${holder.record.lockId}\``
      : "";
  return errorAt("state_lock_held", LOCK_KEY, `the cluster is locked${remedy}`);
}

const lockError = (message: string): Diagnostic =>
  errorAt("state_lock_error", LOCK_KEY, `cannot take the lock: ${message}`);

/** Lets go of the lock if it is still ours. Answers what went wrong, or null. */
export async function releaseLock(storage: StorageAdapter, lockId: string): Promise<Diagnostic | null> {
  try {
    const lock = await readLock(storage, "error");
    if (lock.kind === "held" && lock.record.lockId === lockId) await storage.delete(LOCK_KEY);
    return lock.kind === "broken" ? lock.diagnostic : null;
  } catch (thrown) {
    return errorAt("state_lock_error", LOCK_KEY, `cannot release the lock: ${messageOf(thrown)}`);
  }
}
