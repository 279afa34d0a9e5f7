// One record after the other of an NDJSON file: those that are meant get a vector or lose it, the others stay as they are.

import { badRequest } from "../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonExact, stringifyJson } from "../lib/json.ts";
import type { EmbeddingClient } from "./client.ts";
import { type EmbedJob, type EmbedMode, isSelected, type Selection, textOf } from "./job.ts";

export interface RecordCounts {
  readonly records: number;
  readonly selected_records: number;
  readonly embedded_records: number;
  readonly cleaned_records: number;
}

export class RecordEmbedder {
  private readonly counts = { records: 0, selected_records: 0, embedded_records: 0, cleaned_records: 0 };

  constructor(
    private readonly job: EmbedJob,
    private readonly selection: Selection,
    private readonly mode: EmbedMode,
    /** Null where vectors are only removed. */
    private readonly client: EmbeddingClient | null,
  ) {}

  get summary(): RecordCounts {
    return { ...this.counts };
  }

  /** The line as it is to be written, or null for a blank one; `number` counts all lines from 1. */
  async line(text: string, number: number): Promise<string | null> {
    const trimmed = text.trim();
    if (trimmed === "") return null;
    this.counts.records++;
    const record = parseRecord(trimmed, number);
    const { type, data } = record;
    if (typeof type !== "string") return trimmed;
    if (data === undefined || !isJsonObject(data)) {
      throw badRequest(`line ${number} is missing object field 'data'`);
    }
    if (!isSelected(this.selection, type, data)) return trimmed;
    this.counts.selected_records++;
    const changed = await this.changed(type, data);
    return changed === null ? trimmed : stringifyJson({ ...record, data: changed });
  }

  /** The data of a selected record, or null where they stay as they are. */
  private async changed(type: string, data: JsonObject): Promise<JsonObject | null> {
    const job = this.job.types.get(type);
    if (job === undefined) return null;
    const { target } = job;
    if (this.mode === "clean") {
      if (data[target] === undefined) return null;
      this.counts.cleaned_records++;
      return Object.fromEntries(Object.entries(data).filter(([name]) => name !== target));
    }
    if (this.mode === "fill_missing" && !isMissing(data[target])) return null;
    if (this.client === null) throw new Error("invariant broken: vectors to make and nobody to make them");
    const vector = await this.client.embed(textOf(type, job, data), this.job.dimension, "document");
    this.counts.embedded_records++;
    return { ...data, [target]: Array.from(vector, shortest) };
  }
}

function parseRecord(text: string, number: number): JsonObject {
  let record: JsonValue = null;
  try {
    record = parseJsonExact(text);
  } catch {
    // Said below, with the line.
  }
  if (!isJsonObject(record)) throw badRequest(`line ${number} is not valid JSON`);
  return record;
}

const isMissing = (value: JsonValue | undefined): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0);

/** Nine digits tell every float32 from all others. */
const FLOAT_DIGITS_MIN = 6;
const FLOAT_DIGITS_MAX = 9;

/** The number with the fewest digits that is this float32 again. */
function shortest(component: number): number {
  for (let digits = FLOAT_DIGITS_MIN; digits < FLOAT_DIGITS_MAX; digits++) {
    const short = Number(component.toPrecision(digits));
    if (Math.fround(short) === component) return short;
  }
  return Number(component.toPrecision(FLOAT_DIGITS_MAX));
}
