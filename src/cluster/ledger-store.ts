// The ledger on storage: reading it with the token that guards it, and replacing it only while that token holds.

import { sha256Hex } from "../lib/digest.ts";
import type { StorageAdapter, StoredObject } from "../storage/index.ts";
import { type Diagnostic, errorAt, messageOf } from "./diagnostics.ts";
import { LEDGER_KEY } from "./layout.ts";
import { decodeLedger, encodeLedger, type Ledger, UnsupportedVersionError } from "./ledger.ts";

export type LedgerRead =
  | { readonly kind: "missing" }
  | { readonly kind: "present"; readonly ledger: Ledger; readonly cas: string }
  /** `cas` null where not even the bytes could be read. */
  | { readonly kind: "broken"; readonly diagnostic: Diagnostic; readonly cas: string | null };

/** The token that clients see: a digest of the bytes. The store's own version stays inside. */
export const casOf = (bytes: Uint8Array): string => `sha256:${sha256Hex(bytes)}`;

export async function readLedger(storage: StorageAdapter): Promise<LedgerRead> {
  let object: StoredObject | null;
  try {
    object = await storage.get(LEDGER_KEY);
  } catch (thrown) {
    const diagnostic = errorAt(
      "state_read_error",
      LEDGER_KEY,
      `cannot read the ledger: ${messageOf(thrown)}`,
    );
    return { kind: "broken", diagnostic, cas: null };
  }
  if (object === null) return { kind: "missing" };
  const cas = casOf(object.bytes);
  try {
    return { kind: "present", ledger: decodeLedger(object.bytes), cas };
  } catch (thrown) {
    const diagnostic =
      thrown instanceof UnsupportedVersionError
        ? errorAt("unsupported_state_version", "state.version", `ledger ${thrown.message}`)
        : errorAt("invalid_state_json", LEDGER_KEY, `the ledger is not valid: ${messageOf(thrown)}`);
    return { kind: "broken", diagnostic, cas };
  }
}

export type LedgerWrite =
  | { readonly ok: true; readonly cas: string }
  | { readonly ok: false; readonly diagnostic: Diagnostic };

/** Publishes `ledger` if storage still holds what `cas` names (null: no ledger). */
export async function writeLedger(
  storage: StorageAdapter,
  ledger: Ledger,
  cas: string | null,
): Promise<LedgerWrite> {
  const bytes = encodeLedger(ledger);
  try {
    const now = await storage.get(LEDGER_KEY);
    if ((now === null ? null : casOf(now.bytes)) !== cas) return mismatch(cas, now);
    const put =
      now === null
        ? await storage.putIfAbsent(LEDGER_KEY, bytes)
        : await storage.putIfMatch(LEDGER_KEY, bytes, now.version);
    if (put.outcome === "won") return { ok: true, cas: casOf(bytes) };
    // A lost answer makes the store's own repeat of the put look lost: what stands there now decides.
    const after = await storage.get(LEDGER_KEY);
    if (after !== null && casOf(after.bytes) === casOf(bytes)) return { ok: true, cas: casOf(bytes) };
    if (put.outcome === "lost") return mismatch(cas, after);
    return failed(`the write was not confirmed and is not there: ${put.cause.message}`);
  } catch (thrown) {
    return failed(messageOf(thrown));
  }
}

function mismatch(expected: string | null, found: StoredObject | null): LedgerWrite {
  const shown = (cas: string | null): string => cas ?? "no ledger";
  return {
    ok: false,
    diagnostic: errorAt(
      "state_cas_mismatch",
      LEDGER_KEY,
      `the ledger was changed by another writer: expected ${shown(expected)}, found ${shown(
        found === null ? null : casOf(found.bytes),
      )}; nothing was written, run the command again`,
    ),
  };
}

const failed = (message: string): LedgerWrite => ({
  ok: false,
  diagnostic: errorAt("state_write_error", LEDGER_KEY, `cannot write the ledger: ${message}`),
});
