// Takes the records of one type: finds ids, reads values, holds each row against the rules that concern it alone, and
// hands rows on to a sink. One is made per type that the batch mentions.

import { badRequest, conflict } from "../../lib/errors.ts";
import type { JsonObject, JsonValue } from "../../lib/json.ts";
import type { Value } from "../../query/plan.ts";
import type { EntityType } from "../../schema/catalog.ts";
import { type KeyValue, nodeIdFromKey } from "../../schema/index.ts";
import type { Row } from "../../store/types.ts";
import type { BlobIntake } from "../blob/index.ts";
import type { LoadMode } from "../outputs.ts";
import { type RowCheck, rowCheck } from "../write/row-checks.ts";
import type { RowSink } from "../write/row-sink.ts";
import { missingValueMessage, type ValueReader, valueReader } from "./values.ts";

export class TypeLoader {
  /** Lines accepted, before last-wins folding. */
  accepted = 0;
  /** Ids that the input gave (not made here), when committed rows must be looked up by them. */
  readonly givenIds = new Set<string>();
  /** In merge mode: rows whose id the input gave, where a later line may still replace an earlier one. */
  private readonly replaceable = new Map<string, Row>();
  private readonly seen = new Set<string>();
  private readonly columns = new Map<string, number>();
  private readonly readers: readonly ValueReader[];
  private readonly required: readonly number[];
  private readonly keyColumns: readonly number[] | null;
  private readonly check: RowCheck;

  constructor(
    readonly type: EntityType,
    private readonly mode: LoadMode,
    private readonly nextId: () => string,
    private readonly sink: RowSink,
    private readonly onRow: (row: Row) => void,
    blobs: BlobIntake,
  ) {
    for (const [column, property] of type.properties.entries()) this.columns.set(property.name, column);
    this.readers = type.properties.map((property) => valueReader(property, blobs));
    this.required = type.properties.flatMap((property, column) => (property.type.nullable ? [] : [column]));
    this.keyColumns =
      type.kind === "node" && type.key !== null
        ? type.key.map((property) => type.properties.indexOf(property))
        : null;
    this.check = rowCheck(type);
  }

  /** Throws bad_request (without the line) for a record that does not fit the type. */
  add(src: string | null, dst: string | null, data: JsonObject): void {
    const { properties } = this.type;
    const values: Value[] = new Array<Value>(properties.length).fill(null);
    let givenId: JsonValue | undefined;
    for (const name in data) {
      const value = data[name];
      const column = this.columns.get(name);
      if (column !== undefined) {
        if (value !== null) values[column] = this.readers[column](value);
      } else if (name === "id") {
        givenId = value;
      } else {
        throw badRequest(`unknown input field '${name}' for '${this.type.kind}:${this.type.name}'`);
      }
    }
    if (givenId !== undefined && typeof givenId !== "string") throw badRequest("field 'id' must be a string");
    for (const column of this.required) {
      if (values[column] === null) throw badRequest(missingValueMessage(properties[column]));
    }
    const violation = this.check(values);
    if (violation !== null) throw badRequest(violation);
    this.accept({ id: this.idOf(givenId, values), src, dst, values }, givenId !== undefined);
    this.accepted += 1;
  }

  /** Hands the rows held back to the sink; no more records after this. */
  finish(): void {
    for (const row of this.replaceable.values()) this.emit(row);
  }

  private idOf(given: string | undefined, values: readonly Value[]): string {
    if (this.keyColumns === null || this.type.kind !== "node") return given ?? this.nextId();
    const id = nodeIdFromKey(
      this.type,
      // Key properties are required, so each has a scalar value by now.
      this.keyColumns.map((column) => values[column] as KeyValue),
    );
    if (given !== undefined && given !== id) {
      throw badRequest(
        `node ${this.type.name} explicit id '${given}' does not match its canonical @key id '${id}'`,
      );
    }
    return id;
  }

  private accept(row: Row, isGiven: boolean): void {
    if (this.keyColumns !== null) {
      if (this.seen.has(row.id)) throw badRequest(this.duplicateKeyMessage(row));
      this.seen.add(row.id);
      if (this.mode === "append") this.givenIds.add(row.id);
    } else if (isGiven) {
      this.givenIds.add(row.id);
      if (this.mode === "merge") {
        this.replaceable.set(row.id, row);
        return;
      }
      if (this.seen.has(row.id)) throw keyConflict(this.type, row.id);
      this.seen.add(row.id);
    }
    this.emit(row);
  }

  private emit(row: Row): void {
    this.onRow(row);
    this.sink.append(row);
  }

  private duplicateKeyMessage(row: Row): string {
    const key = this.type.kind === "node" && this.type.key !== null ? this.type.key : [];
    const names = key.map((property) => property.name).sort();
    const composite = names.length > 1;
    const columns = composite ? `(${names.join(", ")})` : names[0];
    const value = composite ? `(${(JSON.parse(row.id) as string[]).join(", ")})` : row.id;
    return `@unique violation on ${this.type.name}.${columns}: value '${value}' held by '${row.id}' and '${row.id}'`;
  }
}

/** 409: a strict insert of an id that is there already. */
export function keyConflict(type: EntityType, id: string): Error {
  return conflict(`${type.kind} type '${type.name}' already has id '${id}'`, {
    key_conflict: { entity_kind: type.kind, type_name: type.name, entity_id: id },
  });
}
