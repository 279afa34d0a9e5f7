// A log entry: one or more commits published by one conditional put, or the end of a branch.

import { assert } from "../lib/assert.ts";
import type { JsonObject, JsonValue } from "../lib/json.ts";
import { inlineRowsJson, readInlineRows } from "./inline-rows.ts";
import { instantText, readInstant } from "./instant.ts";
import { readSegment, segmentJson } from "./segment-json.ts";
import { FORMAT, StoredValue, sealedJson } from "./stored-json.ts";
import type {
  BranchId,
  CommitRecord,
  DeletedEdge,
  Inherited,
  LoggedCommit,
  LogPlace,
  MergedFrom,
  Operation,
  TypeChanges,
} from "./types.ts";

export interface LogEntry {
  readonly position: number;
  /** At least one, unless the entry closes the log. */
  readonly commits: readonly LoggedCommit[];
  /** Identifies who closed the branch; no entry follows. */
  readonly closed: string | null;
}

/** Deleted ids that stand in an object of their own. */
export interface DeletesObject {
  readonly id: string;
  readonly rows: number;
}

/** Changes as stored: of a type with a deletes object the deleted ids are not here. */
export interface StoredChanges {
  readonly changes: TypeChanges;
  readonly deletesObject: DeletesObject | null;
}

const OPERATIONS: readonly Operation[] = [
  "init",
  "load",
  "mutate",
  "merge",
  "schema_apply",
  "optimize",
  "repair",
];

/** `deletesObjects` tells which changes have their deleted ids elsewhere. */
export function encodeEntry(
  entry: LogEntry,
  deletesObjects: ReadonlyMap<TypeChanges, DeletesObject>,
): Uint8Array<ArrayBuffer> {
  assert(entry.commits.length > 0 || entry.closed !== null, "an entry has commits or closes the log");
  const json: Record<string, JsonValue> = { format: FORMAT, position: entry.position };
  if (entry.closed !== null) json.closed = entry.closed;
  json.commits = entry.commits.map(({ record, changes }) => ({
    ...recordJson(record),
    changes: changes.map((change) => changesJson(change, deletesObjects.get(change) ?? null)),
  }));
  return sealedJson(json);
}

export interface DecodedEntry {
  readonly position: number;
  readonly closed: string | null;
  readonly commits: readonly { readonly record: CommitRecord; readonly changes: readonly StoredChanges[] }[];
}

export function decodeEntry(object: string, bytes: Uint8Array, place: LogPlace): DecodedEntry {
  const stored = StoredValue.parse(object, bytes);
  const position = stored.member("position").integer();
  if (position !== place.position) stored.member("position").fail(`position ${place.position}`);
  const closed = stored.member("closed").stringOrNull();
  const commits = stored
    .member("commits")
    .items()
    .map((commit) => ({
      record: readRecord(commit, place),
      changes: commit.member("changes").items().map(readChanges),
    }));
  if (commits.length === 0 && closed === null) stored.member("commits").fail("at least one commit");
  return { position, closed, commits };
}

/** Everything of a commit but its place. */
export function recordJson(record: CommitRecord): JsonObject {
  return {
    id: record.id,
    parent: record.parent,
    ...(record.mergedParent === null ? {} : { merged_parent: record.mergedParent }),
    ...(record.mergedFrom === null ? {} : { merged_from: mergedFromJson(record.mergedFrom) }),
    ...(record.actor === null ? {} : { actor: record.actor }),
    authored_at: instantText(record.authoredAt),
    operation: record.operation,
    schema: record.schemaDigest,
    version: record.version,
    generation: record.generation,
  };
}

export function readRecord(stored: StoredValue, place: LogPlace): CommitRecord {
  return {
    id: stored.member("id").string(),
    parent: stored.member("parent").stringOrNull(),
    mergedParent: stored.member("merged_parent").stringOrNull(),
    mergedFrom: readMergedFrom(stored.member("merged_from")),
    actor: stored.member("actor").stringOrNull(),
    authoredAt: readInstant(stored.member("authored_at")),
    operation: readOperation(stored.member("operation")),
    version: stored.member("version").integer(),
    generation: stored.member("generation").integer(),
    branch: place.branch,
    position: place.position,
    schemaDigest: stored.member("schema").string(),
  };
}

export const placeJson = (place: LogPlace): JsonValue => [place.branch, place.position];

export function readPlace(stored: StoredValue): LogPlace | null {
  if (!stored.isPresent) return null;
  const branch: BranchId = stored.item(0).string();
  return { branch, position: stored.item(1).integer() };
}

export function mergedFromJson({ branch, position, ref }: MergedFrom): JsonValue {
  if (ref === null) return [branch, position];
  return [
    branch,
    position,
    ref.name,
    ref.id,
    ref.lineage.map(({ branch, name, until }) => [branch, name, until]),
  ];
}

export function readMergedFrom(stored: StoredValue): MergedFrom | null {
  const place = readPlace(stored);
  if (place === null) return null;
  if (!stored.item(2).isPresent) return { ...place, ref: null };
  const lineage = stored
    .item(4)
    .items()
    .map((inherited): Inherited => {
      const [branch, name] = [inherited.item(0).string(), inherited.item(1).string()];
      return { branch, name, until: inherited.item(2).integer() };
    });
  return { ...place, ref: { name: stored.item(2).string(), id: stored.item(3).string(), lineage } };
}

export function readOperation(stored: StoredValue): Operation {
  const text = stored.string();
  return OPERATIONS.find((operation) => operation === text) ?? stored.fail("an operation");
}

function changesJson(changes: TypeChanges, deletesObject: DeletesObject | null): JsonObject {
  const { type, deletedNodes, deletedEdges, rows, segments } = changes;
  const json: Record<string, JsonValue> = { type };
  if (changes.replaced) json.replaced = true;
  if (deletesObject !== null) {
    json.deletes_object = { id: deletesObject.id, rows: deletesObject.rows };
  } else {
    if (deletedNodes.length > 0) json.deleted_nodes = deletedNodes;
    if (deletedEdges.length > 0) json.deleted_edges = deletedEdges.map(({ src, dst, id }) => [src, dst, id]);
  }
  if (rows !== null && rows.length > 0) json.inline = inlineRowsJson(rows);
  if (segments.length > 0) json.segments = segments.map(segmentJson);
  return json;
}

function readChanges(stored: StoredValue): StoredChanges {
  const type = stored.member("type").integer();
  const list = (name: string) => (stored.member(name).isPresent ? stored.member(name).items() : []);
  const inline = stored.member("inline");
  const elsewhere = stored.member("deletes_object");
  return {
    changes: {
      type,
      replaced: stored.member("replaced").isPresent && stored.member("replaced").boolean(),
      deletedNodes: list("deleted_nodes").map((id) => id.string()),
      deletedEdges: list("deleted_edges").map(
        (edge): DeletedEdge => ({
          src: edge.item(0).string(),
          dst: edge.item(1).string(),
          id: edge.item(2).string(),
        }),
      ),
      rows: inline.isPresent ? readInlineRows(inline) : null,
      segments: list("segments").map((segment) => readSegment(segment, type)),
    },
    deletesObject: elsewhere.isPresent
      ? { id: elsewhere.member("id").string(), rows: elsewhere.member("rows").integer() }
      : null,
  };
}
