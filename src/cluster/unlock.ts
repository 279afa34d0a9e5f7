// `cluster force-unlock <id>`: removes the lock of a command that is dead, when its id is known exactly.

import type { JsonObject } from "../lib/json.ts";
import type { StorageAdapter } from "../storage/index.ts";
import { errorAt, messageOf } from "./diagnostics.ts";
import { LOCK_KEY } from "./layout.ts";
import { readLock } from "./lock.ts";
import { type ClusterOptions, Session } from "./session.ts";

/** Removes the lock if `lockId` is its id, and says whose it was. */
export async function forceUnlock(
  options: ClusterOptions & { readonly lockId: string },
): Promise<JsonObject> {
  const session = new Session(options);
  await session.loadHead();
  const storage = session.ok ? await session.openStorage() : null;
  const removed = storage !== null && (await remove(session, storage, options.lockId));
  const observations = session.observations();
  return {
    ok: session.ok,
    config_dir: options.configDir,
    state_observations: removed ? { ...observations, locked: false } : observations,
    lock_removed: removed,
    diagnostics: session.diagnosticsJson(),
  };
}

async function remove(session: Session, storage: StorageAdapter, lockId: string): Promise<boolean> {
  const lock = await readLock(storage, "error");
  session.sawLock(lock);
  if (lock.kind === "broken") {
    session.report(lock.diagnostic);
    return false;
  }
  if (lock.kind === "missing") {
    session.report(errorAt("state_lock_missing", LOCK_KEY, "there is no lock to remove"));
    return false;
  }
  const held = lock.record.lockId;
  if (held !== lockId) {
    const message = `the lock has the id ${held}, not ${lockId}; it was left in place`;
    session.report(errorAt("state_lock_id_mismatch", LOCK_KEY, message));
    return false;
  }
  try {
    await storage.delete(LOCK_KEY);
    return true;
  } catch (thrown) {
    session.report(errorAt("state_lock_error", LOCK_KEY, `cannot remove the lock: ${messageOf(thrown)}`));
    return false;
  }
}
