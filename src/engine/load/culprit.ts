// Which record of a batch broke a rule that is judged when all is read. To keep the place of every row until then would cost
// every load, so the input of the one that failed is read once more.

import { OmnigraphError } from "../../lib/errors.ts";
import type { Catalog, EntityType } from "../../schema/catalog.ts";
import type { Row } from "../../store/types.ts";
import type { Violation } from "../write/image-check.ts";
import { type Envelope, typeOf } from "./envelope.ts";
import { type RecordPlace, withPlace } from "./failures.ts";
import { RECORD_READERS } from "./reader.ts";
import { Respelled } from "./respelled.ts";
import { RowMemory } from "./row-memory.ts";
import { type LoadedRow, type LoaderContext, TypeLoader } from "./type-loader.ts";

/** What tells the record that broke a rule from the others. */
export interface Culprit {
  readonly type: EntityType;
  readonly hasPart: (row: Row) => boolean;
  /** Of several with a part in it: the first, or the last, which is the one too many. */
  readonly which: "first" | "last";
}

/** A broken rule whose record is not known yet; null where no record is to blame. */
export class BrokenRule extends OmnigraphError {
  constructor(
    error: OmnigraphError,
    readonly culprit: Culprit | null,
  ) {
    super(error.kind, error.message, error.details);
  }
}

export function culpritOf({ type, kind, hasPart }: Violation): Culprit | null {
  return hasPart === null ? null : { type, hasPart, which: kind === "orphan_edge" ? "first" : "last" };
}

/** The error with the place of its record, found by reading the input from the start. */
export async function withCulprit(
  broken: BrokenRule,
  data: AsyncIterable<Uint8Array>,
  catalog: Catalog,
  loader: LoaderContext,
): Promise<OmnigraphError> {
  const { culprit } = broken;
  if (culprit === null) return broken;
  const place = await findPlace(culprit, data, catalog, loader);
  return place === null ? broken : withPlace(broken, place, culprit.type);
}

/** Rows without an id of their own are told apart by nothing, and none replaces another. */
const NO_ID = "";

async function findPlace(
  { type, hasPart, which }: Culprit,
  data: AsyncIterable<Uint8Array>,
  catalog: Catalog,
  loader: LoaderContext,
): Promise<RecordPlace | null> {
  const { unit, read } = RECORD_READERS[loader.reader];
  const rowOf = rowReader(type, loader);
  /** By id: a later record of an id takes the place of an earlier one, which then has no part in anything. */
  const numbers = new Map<string, number>();
  await read(data, (envelope, number) => {
    if (typeOf(catalog, envelope) !== type) return;
    const row = rowOf(envelope);
    if (!hasPart(row)) {
      numbers.delete(row.id);
      return;
    }
    const key = row.isGiven ? row.id : NO_ID;
    if (which === "last" || !numbers.has(key)) numbers.set(key, number);
  });
  let found: number | null = null;
  for (const number of numbers.values()) {
    if (found === null || (which === "first" ? number < found : number > found)) found = number;
  }
  return found === null ? null : { unit, number: found };
}

/** Reads records of a type as the load did, its ends as the load spelled them, and keeps nothing. */
function rowReader(type: EntityType, loader: LoaderContext): (envelope: Envelope) => LoadedRow {
  const { memory, respelled } = loader;
  const rows = new TypeLoader(type, {
    ...loader,
    memory: new RowMemory(memory.limits),
    respelled: new Respelled(),
    blobs: { accept: () => "" },
  });
  const [sources, targets] =
    type.kind === "edge" ? [respelled.of(type.source), respelled.of(type.target)] : [null, null];
  return (envelope) => {
    if (envelope.kind === "node") return rows.read(null, null, envelope.data);
    const { from, to, data } = envelope;
    return rows.read(sources?.get(from) ?? from, targets?.get(to) ?? to, data);
  };
}
