// graph.json: what makes a prefix a graph. Putting it is init; nothing ever changes it.

import { assert } from "../lib/assert.ts";
import { sha256Hex } from "../lib/digest.ts";
import { conflict, notFound, OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import { ulid } from "../lib/ulid.ts";
import { encodeUtf8 } from "../lib/utf8.ts";
import type { StorageAdapter } from "../storage/adapter.ts";
import { readRecord, recordJson } from "./entry.ts";
import { instantText, readInstant } from "./instant.ts";
import { BRANCHES_PREFIX, GRAPH_KEY, schemaKey } from "./layout.ts";
import { settlePut } from "./settle-put.ts";
import { FORMAT, StoredValue, sealedJson } from "./stored-json.ts";
import type { BranchId, CommitRecord } from "./types.ts";

export interface GraphRecord {
  readonly graphId: string;
  /** Microseconds since the epoch. */
  readonly createdAt: number;
  readonly mainId: BranchId;
  /** Main's position 0, version 1. */
  readonly genesis: CommitRecord;
}

export interface InitRequest {
  /** The accepted-schema object's text. */
  readonly acceptedSchema: string;
  /** Its SHA-256. */
  readonly digest: string;
}

/** Makes a graph at the storage's root, or refuses with 409 `already initialized`: of any number of racers one wins. */
export async function initStore(
  storage: StorageAdapter,
  ports: Ports,
  { acceptedSchema, digest }: InitRequest,
): Promise<GraphRecord> {
  if ((await storage.get(GRAPH_KEY)) !== null) throw alreadyInitialized(storage);
  await putSchema(storage, digest, acceptedSchema);
  const mainId = ulid(ports);
  const createdAt = ports.nowMicros();
  const genesis: CommitRecord = {
    id: ulid(ports),
    parent: null,
    mergedParent: null,
    mergedFrom: null,
    actor: null,
    authoredAt: createdAt,
    operation: "init",
    version: 1,
    generation: 1,
    branch: mainId,
    position: 0,
    schemaDigest: digest,
  };
  const graph: GraphRecord = { graphId: ulid(ports), createdAt, mainId, genesis };
  const isOurs = (bytes: Uint8Array) => decodeGraphRecord(storage.uri, bytes).graphId === graph.graphId;
  const won = await settlePut(storage, ports, GRAPH_KEY, encodeGraphRecord(graph), isOurs);
  if (won === "unreachable") {
    throw new OmnigraphError(
      "internal",
      `storage at ${storage.uri} stopped answering while the graph was being initialized: run init again`,
    );
  }
  if (won === "lost") throw alreadyInitialized(storage);
  return graph;
}

const alreadyInitialized = (storage: StorageAdapter) =>
  conflict(`graph at ${storage.uri} is already initialized`);

/** Is there a graph at the storage's root? */
export async function storeExists(storage: StorageAdapter): Promise<boolean> {
  return (await storage.head(GRAPH_KEY)) !== null;
}

/** Accepted schemas are named by their content: whoever writes one writes the same bytes. */
export async function putSchema(storage: StorageAdapter, digest: string, accepted: string): Promise<void> {
  assert(sha256Hex(accepted) === digest, "an accepted schema is named by its SHA-256");
  await storage.put(schemaKey(digest), encodeUtf8(accepted));
}

/** Reads graph.json; `not_found` where there is no graph. */
export async function readGraphRecord(storage: StorageAdapter): Promise<GraphRecord> {
  const stored = await storage.get(GRAPH_KEY);
  if (stored === null) {
    const hint = (await hasBranches(storage))
      ? ", though it has branches of one: none of their commits can be read until it is put back as it was"
      : "";
    throw notFound(`graph not found at ${storage.uri}: it has no ${GRAPH_KEY}${hint}`);
  }
  return decodeGraphRecord(storage.uri, stored.bytes);
}

/** False where storage does not tell: then it is no graph to anybody. */
async function hasBranches(storage: StorageAdapter): Promise<boolean> {
  const page = await storage.list(BRANCHES_PREFIX, { pageSize: 1 }).catch(() => null);
  return page !== null && page.objects.length > 0;
}

function encodeGraphRecord(graph: GraphRecord): Uint8Array {
  return sealedJson({
    format: FORMAT,
    graph: graph.graphId,
    created_at: instantText(graph.createdAt),
    main: graph.mainId,
    schema: graph.genesis.schemaDigest,
    genesis: recordJson(graph.genesis),
  });
}

function decodeGraphRecord(uri: string, bytes: Uint8Array): GraphRecord {
  const stored = StoredValue.parse(`${uri}/${GRAPH_KEY}`, bytes);
  const mainId = stored.member("main").string();
  return {
    graphId: stored.member("graph").string(),
    createdAt: readInstant(stored.member("created_at")),
    mainId,
    genesis: readRecord(stored.member("genesis"), { branch: mainId, position: 0 }),
  };
}
