// The catalog: query and policy files under their own digests. Written before the ledger names them, never removed.

import { sha256Hex } from "../lib/digest.ts";
import type { StorageAdapter } from "../storage/index.ts";
import { parseAddress } from "./addresses.ts";
import { type Diagnostic, errorAt, messageOf, warningAt } from "./diagnostics.ts";
import { byKey } from "./digests.ts";
import { policyBlobKey, queryBlobKey } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import { windowed } from "./windowed.ts";

/** Where the file of a resource is kept, or null for resources that have none. */
export function blobKey(address: string, digest: string): string | null {
  const parsed = parseAddress(address);
  if (parsed?.kind === "query") return queryBlobKey(parsed.graph, parsed.name, digest);
  if (parsed?.kind === "policy") return policyBlobKey(parsed.name, digest);
  return null;
}

/** Puts the bytes in place. What is there already is trusted only once its digest is right, and healed otherwise. */
export async function publishBlob(storage: StorageAdapter, key: string, bytes: Uint8Array): Promise<void> {
  const present = await storage.get(key);
  if (present !== null && sha256Hex(present.bytes) === sha256Hex(bytes)) return;
  await storage.put(key, bytes);
}

export type BlobRead =
  | { readonly kind: "ok"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "missing" }
  | { readonly kind: "mismatch"; readonly actual: string }
  | { readonly kind: "unreadable"; readonly message: string };

/** Reads a blob and checks it against the digest that names it. */
export async function readBlob(storage: StorageAdapter, key: string, digest: string): Promise<BlobRead> {
  try {
    const object = await storage.get(key);
    if (object === null) return { kind: "missing" };
    const actual = sha256Hex(object.bytes);
    return actual === digest ? { kind: "ok", bytes: object.bytes } : { kind: "mismatch", actual };
  } catch (thrown) {
    return { kind: "unreadable", message: messageOf(thrown) };
  }
}

/** Checks every blob that the ledger names. */
export async function verifyBlobs(storage: StorageAdapter, ledger: Ledger): Promise<readonly Diagnostic[]> {
  const found = await windowed(byKey(ledger.resources), ([address, { digest }]) =>
    verifyBlob(storage, address, digest),
  );
  return found.flatMap((diagnostic) => diagnostic ?? []);
}

async function verifyBlob(
  storage: StorageAdapter,
  address: string,
  digest: string,
): Promise<Diagnostic | null> {
  const key = blobKey(address, digest);
  if (key === null) return null;
  const blob = await readBlob(storage, key, digest);
  switch (blob.kind) {
    case "ok":
      return null;
    case "missing":
      return warningAt("catalog_payload_missing", address, `'${key}' is missing`);
    case "mismatch":
      return warningAt(
        "catalog_payload_mismatch",
        address,
        `'${key}' has other bytes: their digest is ${blob.actual}`,
      );
    case "unreadable":
      return errorAt("catalog_payload_read_error", address, `cannot read '${key}': ${blob.message}`);
  }
}
