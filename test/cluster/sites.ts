// Where a test's cluster keeps its state: beside its configuration, in memory, or on the live S3 server of this run.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { liveS3 } from "../../scripts/s3.ts";
import {
  applyCluster,
  type ClusterOptions,
  clusterStatus,
  forceUnlock,
  importCluster,
  planCluster,
} from "../../src/cluster/index.ts";
import type { Graph } from "../../src/engine/index.ts";
import type { JsonObject } from "../../src/lib/json.ts";
import type { Ports } from "../../src/lib/ports.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/lib/utf8.ts";
import { MemoryBucket, memoryStorage, openStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { folder, HARBOUR, ports, writeFiles } from "./support.ts";

export type Files = Readonly<Record<string, string>>;

/** A cluster folder together with its storage, and the commands on them. */
export class Site {
  constructor(
    readonly configDir: string,
    readonly options: ClusterOptions,
    readonly storage: StorageAdapter,
    private readonly head: string,
  ) {}

  /** Writes source files; a cluster.yaml keeps pointing at this site's storage. */
  write(files: Files): void {
    const yaml = files["cluster.yaml"];
    writeFiles(this.configDir, yaml === undefined ? files : { ...files, "cluster.yaml": yaml + this.head });
  }

  source(path: string): string {
    return readFileSync(join(this.configDir, path), "utf8");
  }

  import = (): Promise<JsonObject> => importCluster(this.options);
  plan = (): Promise<JsonObject> => planCluster(this.options);
  status = (): Promise<JsonObject> => clusterStatus(this.options);
  apply = (actor: string | null = "mira"): Promise<JsonObject> => applyCluster({ ...this.options, actor });
  unlock = (lockId: string): Promise<JsonObject> => forceUnlock({ ...this.options, lockId });

  async text(key: string): Promise<string | null> {
    const object = await this.storage.get(key);
    return object === null ? null : decodeUtf8(object.bytes);
  }

  ledgerText(): Promise<string | null> {
    return this.text("__cluster/state.json");
  }

  async ledger(): Promise<LedgerJson> {
    return JSON.parse((await this.ledgerText()) ?? "null") as LedgerJson;
  }

  /** Replaces the ledger by hand. */
  async putLedger(edit: (ledger: LedgerJson) => void): Promise<void> {
    const ledger = await this.ledger();
    edit(ledger);
    await this.put("__cluster/state.json", JSON.stringify(ledger));
  }

  async put(key: string, text: string): Promise<void> {
    await this.storage.put(key, encodeUtf8(text));
  }

  /** Every key, sorted. */
  async keys(prefix = ""): Promise<string[]> {
    const keys: string[] = [];
    let startAfter: string | null = null;
    do {
      const page = await this.storage.list(prefix, startAfter === null ? {} : { startAfter });
      keys.push(...page.objects.map(({ key }) => key));
      startAfter = page.next;
    } while (startAfter !== null);
    return keys;
  }

  /** The source of the live schema of a graph. */
  liveSchema = (id: string): Promise<string> =>
    this.withGraph(id, async (graph) => (await graph.catalog()).source);

  /** Changes the schema of a graph behind the cluster's back. */
  async changeSchema(id: string, source: string): Promise<void> {
    await this.withGraph(id, (graph) => graph.applySchema({ source, actor: null }));
  }

  private async withGraph<T>(id: string, use: (graph: Graph) => Promise<T>): Promise<T> {
    const { openGraph } = await import("../../src/engine/index.ts");
    const graph = await openGraph({
      storage: this.storage.under(`graphs/${id}.omni`),
      ports: this.options.ports,
    });
    try {
      return await use(graph);
    } finally {
      await graph.close();
    }
  }
}

export interface LedgerJson {
  version: number;
  state_revision: number;
  applied_revision: { config_digest: string | null; resources: Record<string, Record<string, unknown>> };
  resource_statuses: Record<string, { status: string; conditions?: string[] }>;
  observations: Record<string, Record<string, unknown>>;
}

export interface Place {
  readonly name: string;
  /** A new cluster of the given files (the harbour without any). */
  readonly site: (files?: Files) => Promise<Site>;
}

let sites = 0;

async function sitedAt(
  files: Files,
  head: string,
  environment: Ports,
  root: (dir: string) => string,
): Promise<Site> {
  const configDir = folder({});
  const options = { configDir, ports: environment };
  const site = new Site(configDir, options, await openStorage(root(configDir), environment), head);
  site.write(files);
  return site;
}

export const inDirectory = (files: Files = HARBOUR): Promise<Site> => sitedAt(files, "", ports, (dir) => dir);

async function onS3(files: Files = HARBOUR): Promise<Site> {
  const live = await liveS3();
  const uri = `s3://${live.bucket}/cluster-test-${process.pid}-${++sites}`;
  return sitedAt(files, `storage: ${uri}\n`, { ...ports, env: { ...ports.env, ...live.env } }, () => uri);
}

/** In memory; `open` is what the commands get, with whatever faults a test gives it. */
export async function inMemory(files: Files = HARBOUR, bucket = new MemoryBucket()): Promise<Site> {
  const configDir = folder({});
  const open = async (): Promise<StorageAdapter> => memoryStorage(ports, { bucket });
  const site = new Site(configDir, { configDir, ports, openStorage: open }, await open(), "");
  site.write(files);
  return site;
}

/** Every kind of storage that a cluster can live on. */
export const PLACES: readonly Place[] = [
  { name: "a directory", site: inDirectory },
  { name: "memory", site: (files) => inMemory(files) },
  { name: "S3", site: onS3 },
];
