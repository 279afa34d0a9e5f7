// What every cluster command begins and ends with: loading the configuration, opening its storage, holding the lock, and
// telling what it saw of ledger and lock.

import { resolve } from "node:path";
import type { JsonObject, JsonValue } from "../lib/json.ts";
import type { Ports } from "../lib/ports.ts";
import { ensureConditionalWrites, openStorage, type StorageAdapter } from "../storage/index.ts";
import { type ClusterConfig, CONFIG_FILE, readClusterConfig } from "./config.ts";
import { type Desired, loadDesired } from "./desired.ts";
import { type Diagnostic, errorAt, isOk, messageOf, warningAt } from "./diagnostics.ts";
import { headerFaults, storageRoot } from "./header.ts";
import { LEDGER_KEY, LOCK_KEY } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import { type LedgerRead, readLedger } from "./ledger-store.ts";
import { type LockOperation, type LockRead, lockAgeSeconds, releaseLock, takeLock } from "./lock.ts";
import { Sources } from "./sources.ts";

export interface ClusterOptions {
  /** The directory that holds cluster.yaml; echoed as given. */
  readonly configDir: string;
  readonly ports: Ports;
  /** How a storage root becomes an adapter; the real one when left out. */
  readonly openStorage?: (uri: string, ports: Ports) => Promise<StorageAdapter>;
}

export const configFile = (configDir: string): string => `${configDir.replace(/\/+$/, "")}/${CONFIG_FILE}`;

/** One run of a command. Collects what is to be reported, in the order in which it was met. */
export class Session {
  readonly diagnostics: Diagnostic[] = [];
  readonly sources: Sources;
  private root: string;
  private storageRead: LedgerRead | null = null;
  private written: { readonly ledger: Ledger; readonly cas: string } | null = null;
  private lockSeen: LockRead | null = null;
  private acquiredLockId: string | null = null;

  constructor(readonly options: ClusterOptions) {
    this.sources = new Sources(options.configDir);
    this.root = resolve(options.configDir);
  }

  get ports(): Ports {
    return this.options.ports;
  }

  get ok(): boolean {
    return isOk(this.diagnostics);
  }

  report(...diagnostics: readonly Diagnostic[]): void {
    this.diagnostics.push(...diagnostics);
  }

  /** Decodes cluster.yaml and checks its head. Null when that much is wrong. */
  async loadHead(): Promise<ClusterConfig | null> {
    const { configDir } = this.options;
    const read = await readClusterConfig(configDir);
    if (!read.ok) {
      this.report(...read.diagnostics);
      return null;
    }
    this.report(...headerFaults(read.config, configDir));
    this.root = storageRoot(read.config.storage, configDir) ?? this.root;
    return read.config;
  }

  /** Loads everything that is declared. A fault of the head hides no fault of a resource; null when nothing decoded. */
  async loadAll(): Promise<{ readonly config: ClusterConfig; readonly desired: Desired } | null> {
    const config = await this.loadHead();
    if (config === null) return null;
    const { desired, diagnostics } = await loadDesired(config, this.sources);
    this.report(...diagnostics);
    return { config, desired };
  }

  /** Null, with a diagnostic, where the backend cannot be set up. */
  async openStorage(): Promise<StorageAdapter | null> {
    const storage = await openRoot(this.root, this.ports, this.options.openStorage);
    if ("code" in storage) {
      this.report(storage);
      return null;
    }
    this.root = storage.uri;
    return storage;
  }

  /** As openStorage, and the store is known to keep the conditional puts on which lock, ledger and graphs rest. */
  async openStorageForWriting(): Promise<StorageAdapter | null> {
    const storage = await this.openStorage();
    if (storage === null) return null;
    try {
      await ensureConditionalWrites(storage, this.ports);
      return storage;
    } catch (thrown) {
      this.report(errorAt("storage_root_invalid", storage.uri, messageOf(thrown)));
      return null;
    }
  }

  async readLedger(storage: StorageAdapter): Promise<LedgerRead> {
    this.storageRead = await readLedger(storage);
    return this.storageRead;
  }

  /** From now on the observations are about this ledger. */
  ledgerWritten(ledger: Ledger, cas: string): void {
    this.written = { ledger, cas };
  }

  sawLock(lock: LockRead): void {
    this.lockSeen = lock;
  }

  /** Runs `work` under the lock, which is gone again before this returns; null when the lock could not be had. */
  async locked<T>(
    storage: StorageAdapter,
    config: ClusterConfig,
    operation: LockOperation,
    work: () => Promise<T>,
  ): Promise<T | null> {
    if (config.stateLock === false) {
      this.report(
        warningAt(
          "state_lock_disabled",
          "state.lock",
          "state.lock is false: this command runs without the lock",
        ),
      );
      return work();
    }
    const taking = await takeLock(storage, operation, this.ports);
    if (!taking.ok) {
      this.report(taking.diagnostic);
      this.lockSeen = taking.holder;
      return null;
    }
    this.acquiredLockId = taking.lockId;
    try {
      return await work();
    } finally {
      const fault = await releaseLock(storage, taking.lockId);
      if (fault !== null) this.report(fault);
    }
  }

  /** The `state_observations` of every output. */
  observations(): JsonObject {
    const read = this.storageRead;
    const present = this.written ?? (read?.kind === "present" ? read : null);
    const cas = present?.cas ?? (read?.kind === "broken" ? read.cas : null);
    const members: Record<string, JsonValue> = {
      state_path: `${this.root}/${LEDGER_KEY}`,
      lock_path: `${this.root}/${LOCK_KEY}`,
      state_found: cas !== null,
    };
    if (present !== null && present.ledger.configDigest !== null) {
      members.applied_config_digest = present.ledger.configDigest;
    }
    members.state_revision = present?.ledger.stateRevision ?? 0;
    if (cas !== null) members.state_cas = cas;
    members.resource_count = present?.ledger.resources.size ?? 0;
    Object.assign(members, this.lockObservations());
    members.lock_acquired = this.acquiredLockId !== null;
    if (this.acquiredLockId !== null) members.acquired_lock_id = this.acquiredLockId;
    return members;
  }

  private lockObservations(): JsonObject {
    const lock = this.lockSeen;
    if (lock === null || lock.kind === "missing") return { locked: false };
    if (lock.kind === "broken") return { locked: lock.exists };
    const { lockId, operation, createdAt, pid } = lock.record;
    const age = lockAgeSeconds(lock.record, this.ports);
    return {
      locked: true,
      lock_id: lockId,
      lock_operation: operation,
      lock_created_at: createdAt,
      lock_pid: pid,
      ...(age === null ? {} : { lock_age_seconds: age }),
    };
  }

  diagnosticsJson(): JsonObject[] {
    return this.diagnostics.map(({ code, severity, path, message }) => ({ code, severity, path, message }));
  }
}

/** Opens a storage root, or says why it cannot be. */
export async function openRoot(
  root: string,
  ports: Ports,
  open: ClusterOptions["openStorage"] = openStorage,
): Promise<StorageAdapter | Diagnostic> {
  try {
    return await open(root, ports);
  } catch (thrown) {
    return errorAt("storage_root_invalid", root, `cannot open storage root '${root}': ${messageOf(thrown)}`);
  }
}
