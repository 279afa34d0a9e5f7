// Recovery sidecars and approvals on storage: the decoded files, and what could not be decoded.

import type { JsonObject } from "../lib/json.ts";
import type { StorageAdapter } from "../storage/index.ts";
import { type Diagnostic, messageOf, type Severity, warningAt } from "./diagnostics.ts";
import { APPROVALS_PREFIX, SIDECARS_PREFIX } from "./layout.ts";
import { requireVersion, UnsupportedVersionError } from "./ledger.ts";
import {
  nullableIntegerIn,
  nullableStringIn,
  onlyMembers,
  parseObject,
  ShapeError,
  stringIn,
} from "./strict-json.ts";

const SIDECAR_KINDS = ["graph_create", "schema_apply", "graph_delete"] as const;

/** The intent of one operation that moves a graph. */
export interface Sidecar {
  readonly key: string;
  readonly operationId: string;
  readonly startedAt: string;
  readonly actor: string | null;
  readonly kind: (typeof SIDECAR_KINDS)[number];
  readonly graphId: string;
  readonly graphUri: string;
  readonly observedManifestVersion: number | null;
  readonly expectedManifestVersion: number | null;
  readonly desiredSchemaDigest: string;
  readonly stateCasBase: string | null;
  readonly approvalId: string | null;
}

/** Leave to carry out one gated change, bound to the digests that were seen when it was given. */
export interface Approval {
  readonly key: string;
  readonly approvalId: string;
  readonly resource: string;
  readonly operation: string;
  readonly reason: string;
  readonly boundConfigDigest: string;
  readonly boundBeforeDigest: string | null;
  readonly boundAfterDigest: string | null;
  readonly approvedBy: string;
  readonly createdAt: string;
  readonly consumedAt: string | null;
  readonly consumedByOperation: string | null;
}

export interface FolderRead<T> {
  /** In name order, which is time order. */
  readonly files: readonly T[];
  readonly diagnostics: readonly Diagnostic[];
}

interface FileCodes {
  readonly unreadable: string;
  readonly invalid: string;
  readonly unsupported: string;
}

/** Every sidecar; a missing folder holds none. `severity` is the weight of one that cannot be understood. */
export function readSidecars(storage: StorageAdapter, severity: Severity): Promise<FolderRead<Sidecar>> {
  return readFolder(storage, SIDECARS_PREFIX, severity, decodeSidecar, {
    unreadable: "recovery_sidecar_read_error",
    invalid: "invalid_recovery_sidecar",
    unsupported: "unsupported_recovery_sidecar_version",
  });
}

/** Every approval; what cannot be understood authorises nothing. */
export function readApprovals(storage: StorageAdapter): Promise<FolderRead<Approval>> {
  return readFolder(storage, APPROVALS_PREFIX, "warning", decodeApproval, {
    unreadable: "approval_read_error",
    invalid: "invalid_approval_artifact",
    unsupported: "unsupported_approval_version",
  });
}

/** `plan` and `status` do not look into sidecars: each file is one unfinished recovery. */
export async function pendingFileWarnings(storage: StorageAdapter): Promise<readonly Diagnostic[]> {
  try {
    return (await jsonKeys(storage, SIDECARS_PREFIX)).map((key) => recoveryPending(key));
  } catch (thrown) {
    const message = `cannot list '${SIDECARS_PREFIX}': ${messageOf(thrown)}`;
    return [warningAt("recovery_sidecar_read_error", SIDECARS_PREFIX, message)];
  }
}

/**
 * Graphs that another operation left unfinished, with what there is to warn of. What such a sidecar says is not settled by
 * this build: its graph is left alone, and the file stays for who can.
 */
export async function readPending(
  storage: StorageAdapter,
): Promise<{ readonly graphs: ReadonlySet<string>; readonly diagnostics: readonly Diagnostic[] }> {
  const { files, diagnostics } = await readSidecars(storage, "warning");
  return {
    graphs: new Set(files.map(({ graphId }) => graphId)),
    diagnostics: [...diagnostics, ...files.map(({ key }) => recoveryPending(key))],
  };
}

const recoveryPending = (key: string): Diagnostic =>
  warningAt(
    "cluster_recovery_pending",
    key,
    `'${key}' tells of an operation on a graph that was not finished`,
  );

async function readFolder<T>(
  storage: StorageAdapter,
  prefix: string,
  severity: Severity,
  decode: (file: JsonObject, key: string) => T,
  codes: FileCodes,
): Promise<FolderRead<T>> {
  const files: T[] = [];
  const diagnostics: Diagnostic[] = [];
  const report = (code: string, path: string, message: string): void => {
    diagnostics.push({ code, severity, path, message });
  };
  try {
    for (const key of await jsonKeys(storage, prefix)) {
      try {
        const object = await storage.get(key);
        if (object !== null) files.push(decode(parseObject(object.bytes), key));
      } catch (thrown) {
        if (thrown instanceof ShapeError)
          report(codes.invalid, key, `'${key}' is not valid: ${thrown.message}`);
        else if (thrown instanceof UnsupportedVersionError) {
          report(codes.unsupported, key, `'${key}': ${thrown.message}`);
        } else report(codes.unreadable, key, `cannot read '${key}': ${messageOf(thrown)}`);
      }
    }
  } catch (thrown) {
    report(codes.unreadable, prefix, `cannot list '${prefix}': ${messageOf(thrown)}`);
  }
  return { files, diagnostics };
}

async function jsonKeys(storage: StorageAdapter, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let startAfter: string | null = null;
  do {
    const page = await storage.list(prefix, {
      delimiter: "/",
      ...(startAfter === null ? {} : { startAfter }),
    });
    keys.push(...page.objects.map((object) => object.key).filter((key) => key.endsWith(".json")));
    startAfter = page.next;
  } while (startAfter !== null);
  return keys;
}

function decodeSidecar(file: JsonObject, key: string): Sidecar {
  const where = "sidecar";
  requireVersion(file, "schema_version", where);
  onlyMembers(file, where, [
    "schema_version",
    "operation_id",
    "started_at",
    "actor",
    "kind",
    "graph_id",
    "graph_uri",
    "observed_manifest_version",
    "expected_manifest_version",
    "desired_schema_digest",
    "state_cas_base",
    "approval_id",
  ]);
  const word = stringIn(file, "kind", where);
  const kind = SIDECAR_KINDS.find((known) => known === word);
  if (kind === undefined) throw new ShapeError(`${where}.kind: unknown kind "${word}"`);
  return {
    key,
    operationId: stringIn(file, "operation_id", where),
    startedAt: stringIn(file, "started_at", where),
    actor: nullableStringIn(file, "actor", where),
    kind,
    graphId: stringIn(file, "graph_id", where),
    graphUri: stringIn(file, "graph_uri", where),
    observedManifestVersion: nullableIntegerIn(file, "observed_manifest_version", where),
    expectedManifestVersion: nullableIntegerIn(file, "expected_manifest_version", where),
    desiredSchemaDigest: stringIn(file, "desired_schema_digest", where),
    stateCasBase: nullableStringIn(file, "state_cas_base", where),
    approvalId: nullableStringIn(file, "approval_id", where),
  };
}

function decodeApproval(file: JsonObject, key: string): Approval {
  const where = "approval";
  requireVersion(file, "schema_version", where);
  onlyMembers(file, where, [
    "schema_version",
    "approval_id",
    "resource",
    "operation",
    "reason",
    "bound_config_digest",
    "bound_before_digest",
    "bound_after_digest",
    "approved_by",
    "created_at",
    "consumed_at",
    "consumed_by_operation",
  ]);
  return {
    key,
    approvalId: stringIn(file, "approval_id", where),
    resource: stringIn(file, "resource", where),
    operation: stringIn(file, "operation", where),
    reason: stringIn(file, "reason", where),
    boundConfigDigest: stringIn(file, "bound_config_digest", where),
    boundBeforeDigest: nullableStringIn(file, "bound_before_digest", where),
    boundAfterDigest: nullableStringIn(file, "bound_after_digest", where),
    approvedBy: stringIn(file, "approved_by", where),
    createdAt: stringIn(file, "created_at", where),
    consumedAt: nullableStringIn(file, "consumed_at", where),
    consumedByOperation: nullableStringIn(file, "consumed_by_operation", where),
  };
}
