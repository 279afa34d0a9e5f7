// The two ways to read a load: NDJSON held to the letter, and the deprecated reader that forgives.

import type { LoadReader } from "../graph.ts";
import { type Envelope, parseEnvelope } from "./envelope.ts";
import { readJsonValues } from "./json-values.ts";
import { readLines } from "./lines.ts";
import { parseLooseEnvelope } from "./loose-envelope.ts";

export interface RecordReader {
  /** What errors count. */
  readonly unit: "line" | "record";
  /** Calls `onRecord` with each record and its number, from 1. Throws bad_request naming the number. */
  readonly read: (
    data: AsyncIterable<Uint8Array>,
    onRecord: (envelope: Envelope, number: number) => void,
  ) => Promise<void>;
}

export const RECORD_READERS: Readonly<Record<LoadReader, RecordReader>> = {
  strict: {
    unit: "line",
    read: (data, onRecord) => readLines(data, (text, line) => onRecord(parseEnvelope(text, line), line)),
  },
  permissive: {
    unit: "record",
    read: (data, onRecord) =>
      readJsonValues(data, (text, record) => onRecord(parseLooseEnvelope(text, record), record)),
  },
};
