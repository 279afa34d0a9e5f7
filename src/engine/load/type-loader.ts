// Takes the records of one type: finds ids, reads values, holds each row against the rules that concern it alone, and
// hands rows on to whatever collects them. One is made per type that the batch mentions.

import { badRequest, conflict, type OmnigraphError } from "../../lib/errors.ts";
import type { JsonObject, JsonValue } from "../../lib/json.ts";
import { TextSet } from "../../lib/text-set.ts";
import type { Value } from "../../query/plan.ts";
import type { EntityType } from "../../schema/catalog.ts";
import type { GraphStore, RowWriter } from "../../store/index.ts";
import type { Row, TypeChanges } from "../../store/types.ts";
import type { BlobIntake } from "../blob/index.ts";
import type { LoadReader } from "../graph.ts";
import type { LoadMode } from "../outputs.ts";
import type { ImageCheck } from "../write/image-check.ts";
import { type RowCheck, rowCheck } from "../write/row-checks.ts";
import { type IdReader, idReader, isKeyed } from "./ids.ts";
import { PendingRows } from "./pending-rows.ts";
import type { Respelled } from "./respelled.ts";
import type { RowMemory } from "./row-memory.ts";
import { RowSink } from "./row-sink.ts";
import { missingValueMessage, type ValueReader, valueReader } from "./values.ts";

/** What the loaders of one load share. */
export interface LoaderContext {
  readonly mode: LoadMode;
  readonly reader: LoadReader;
  readonly store: GraphStore;
  readonly writer: RowWriter;
  readonly memory: RowMemory;
  readonly nextId: () => string;
  readonly blobs: Pick<BlobIntake, "accept">;
  readonly check: ImageCheck;
  readonly respelled: Respelled;
}

/** A row, and whether its id was given or derived rather than made here. */
export interface LoadedRow extends Row {
  readonly isGiven: boolean;
}

export class TypeLoader {
  /** Records accepted, before last-wins folding. */
  accepted = 0;
  /** Given ids that may stand only once, of rows that the check is not told of before the end. */
  private readonly seen = new TextSet();
  private readonly columns = new Map<string, number>();
  private readonly readers: readonly ValueReader[];
  private readonly required: readonly number[];
  private readonly readId: IdReader;
  private readonly checkRow: RowCheck;
  private readonly rows: RowSink | PendingRows;
  private readonly isKeyed: boolean;

  constructor(
    readonly type: EntityType,
    private readonly context: LoaderContext,
  ) {
    const { reader, mode, store, writer, memory, blobs, respelled } = context;
    for (const [column, property] of type.properties.entries()) this.columns.set(property.name, column);
    this.readers = type.properties.map((property) => valueReader(property, reader, blobs));
    this.required = type.properties.flatMap((property, column) => (property.type.nullable ? [] : [column]));
    this.isKeyed = isKeyed(type);
    this.readId = idReader(type, reader, respelled);
    this.checkRow = rowCheck(type);
    const isPending = !this.isKeyed && (mode === "merge" || this.mayRespellEnds);
    this.rows = isPending ? new PendingRows(type, store, writer, memory) : new RowSink(type, writer, memory);
  }

  /** Reads a record. Throws bad_request (without its place) where it does not fit the type. */
  read(src: string | null, dst: string | null, data: JsonObject): LoadedRow {
    const { properties } = this.type;
    const values: Value[] = new Array<Value>(properties.length).fill(null);
    let given: JsonValue | undefined;
    for (const name in data) {
      const value = data[name];
      const column = this.columns.get(name);
      if (column !== undefined) {
        if (value !== null) values[column] = this.readers[column](value);
      } else if (name === "id") {
        given = value;
      } else if (this.context.reader === "strict") {
        throw badRequest(`unknown input field '${name}' for '${this.type.kind}:${this.type.name}'`);
      }
    }
    for (const column of this.required) {
      if (values[column] === null) throw badRequest(missingValueMessage(properties[column]));
    }
    const id = this.readId(given, values);
    return { id: id ?? this.context.nextId(), src, dst, values, isGiven: id !== null };
  }

  /** Throws where a value breaks a rule that concerns it alone. */
  checkValues({ values }: LoadedRow): void {
    const violation = this.checkRow(values);
    if (violation !== null) throw badRequest(violation);
  }

  /** Takes a row. Throws where an earlier one stands in its way. */
  accept(row: LoadedRow): void {
    const { mode, check } = this.context;
    const isReplaceable = row.isGiven && !this.isKeyed && mode === "merge";
    if (row.isGiven && !isReplaceable) this.refuseRepeat(row);
    if (this.rows instanceof RowSink) {
      this.judge(row, !row.isGiven);
      this.rows.append(row);
    } else {
      // What a line claims counts even where the line does not last (spec 01 §10); ends have to be spelled out first.
      if (!this.mayRespellEnds) {
        if (isReplaceable) check.claimLine(this.type, row);
        else this.judge(row, !row.isGiven);
      }
      this.rows.append(row, isReplaceable);
    }
    this.accepted += 1;
  }

  /** Ids whose committed entities the load meets: append refuses them, merge replaces them. Null for none. */
  idsToMeet(): TextSet | null {
    const { mode, check } = this.context;
    // In merge a node with a key replaces the committed one by itself.
    if (this.rows instanceof RowSink) return mode === "append" ? check.addedIds(this.type) : null;
    return mode === "merge" ? this.rows.ids : this.seen;
  }

  /** When all records are read: speaks the last word on rows that had to wait for it. */
  async settle(): Promise<void> {
    const { type } = this;
    const { check, respelled } = this.context;
    if (isKeyed(type)) respelled.refuseIds(type, (id) => check.adds(type, id));
    if (!(this.rows instanceof PendingRows)) return;
    if (this.rows.isFolded) check.forgetClaims(type);
    const src = type.kind === "edge" ? respelled.of(type.source) : null;
    const dst = type.kind === "edge" ? respelled.of(type.target) : null;
    const ends = src === null && dst === null ? null : { src, dst };
    const shows = this.rows.isFolded || this.mayRespellEnds ? "all" : "replaceable";
    await this.rows.settle(ends, shows, (row) => this.judge(row, false));
  }

  /** Writes the rows that are still in memory; no more records after this. */
  finish(): Promise<Pick<TypeChanges, "rows" | "segments">> {
    return this.rows.finish();
  }

  private get mayRespellEnds(): boolean {
    return this.type.kind === "edge" && this.context.reader === "permissive";
  }

  private judge(row: Row, isFresh: boolean): void {
    const { type } = this;
    if (type.kind === "node") this.context.check.addNode(type, row, isFresh);
    else this.context.check.addEdge(type, row, isFresh);
  }

  private refuseRepeat({ id }: Row): void {
    const { type, seen } = this;
    const isKnown = this.rows instanceof RowSink ? this.context.check.adds(type, id) : seen.has(id);
    if (isKnown) throw this.isKeyed ? badRequest(this.duplicateKeyMessage(id)) : keyConflict(type, id);
    if (this.rows instanceof PendingRows) seen.add(id);
  }

  private duplicateKeyMessage(id: string): string {
    const key = isKeyed(this.type) ? this.type.key : [];
    const names = key.map((property) => property.name).sort();
    const composite = names.length > 1;
    const columns = composite ? `(${names.join(", ")})` : names[0];
    const value = composite ? `(${(JSON.parse(id) as string[]).join(", ")})` : id;
    return `@unique violation on ${this.type.name}.${columns}: value '${value}' held by '${id}' and '${id}'`;
  }
}

/** 409: a strict insert of an id that is there already. */
export function keyConflict(type: EntityType, id: string): OmnigraphError {
  return conflict(`${type.kind} type '${type.name}' already has id '${id}'`, {
    key_conflict: { entity_kind: type.kind, type_name: type.name, entity_id: id },
  });
}
