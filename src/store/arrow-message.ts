// Arrow's messages: a continuation mark, the length of the metadata, the metadata (a flatbuffer), and the body
// (arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format). Readers need three facts of the metadata, so
// they are read in place: loading the Arrow package would take a new process longer than most of its reads.

const CONTINUATION = 0xffffffff;
const PREFIX_BYTES = 8;
const WORD_BYTES = 4;
/** Nodes and buffers are pairs of 64-bit numbers. */
const PAIR_BYTES = 16;
const TWO_TO_32 = 2 ** 32;

/** Fields of a message and of a record batch, by their place in the format's definition. */
const HEADER_TYPE = 1;
const HEADER = 2;
const BODY_LENGTH = 3;
const ROWS = 0;
const NODES = 1;
const BUFFERS = 2;
const COMPRESSION = 3;
/** The member of the union of headers that a record batch is. */
const RECORD_BATCH = 3;

export interface ArrowMessage {
  /** Where the body begins. */
  readonly bodyStart: number;
  readonly bodyLength: number;
  /** Null for a schema. */
  readonly recordBatch: RecordBatchHeader | null;
}

export interface RecordBatchHeader {
  readonly rows: number;
  readonly nodes: readonly FieldNode[];
  readonly buffers: readonly Region[];
}

/** What a column, or one nested in it, holds. */
export interface FieldNode {
  readonly length: number;
  readonly nullCount: number;
}

/** A range of the body. */
export interface Region {
  readonly offset: number;
  readonly length: number;
}

/** The message that begins at `offset`; null where there is none that this store writes. */
export function messageAt(bytes: Uint8Array, offset: number): ArrowMessage | null {
  if (offset + PREFIX_BYTES > bytes.length) return null;
  const prefix = new DataView(bytes.buffer, bytes.byteOffset + offset, PREFIX_BYTES);
  const length = prefix.getInt32(WORD_BYTES, true);
  const bodyStart = offset + PREFIX_BYTES + length;
  if (prefix.getUint32(0, true) !== CONTINUATION || length <= 0 || bodyStart > bytes.length) return null;
  const metadata = new DataView(bytes.buffer, bytes.byteOffset + offset + PREFIX_BYTES, length);
  try {
    return { bodyStart, ...readMetadata(new Table(metadata, metadata.getUint32(0, true))) };
  } catch (error) {
    // An offset that leads out of the metadata.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readMetadata(message: Table): Omit<ArrowMessage, "bodyStart"> {
  const bodyLength = message.long(BODY_LENGTH);
  const isBatch = message.byte(HEADER_TYPE) === RECORD_BATCH;
  return { bodyLength, recordBatch: isBatch ? readRecordBatch(message.table(HEADER)) : null };
}

function readRecordBatch(batch: Table): RecordBatchHeader {
  if (batch.has(COMPRESSION)) throw new RangeError("compressed bodies are not written");
  return {
    rows: batch.long(ROWS),
    nodes: batch.pairs(NODES, (length, nullCount) => ({ length, nullCount })),
    buffers: batch.pairs(BUFFERS, (offset, length) => ({ offset, length })),
  };
}

/** A table of a flatbuffer: a list in front of it says where its fields stand. Throws RangeError for what lies outside. */
class Table {
  private readonly fields: number;

  constructor(
    private readonly view: DataView,
    private readonly at: number,
  ) {
    this.fields = at - view.getInt32(at, true);
  }

  has(field: number): boolean {
    return this.place(field) !== null;
  }

  byte(field: number): number {
    const place = this.place(field);
    return place === null ? 0 : this.view.getUint8(place);
  }

  long(field: number): number {
    const place = this.place(field);
    return place === null ? 0 : this.longAt(place);
  }

  table(field: number): Table {
    return new Table(this.view, this.target(field));
  }

  pairs<T>(field: number, make: (first: number, second: number) => T): T[] {
    if (!this.has(field)) return [];
    const start = this.target(field);
    const count = this.view.getUint32(start, true);
    if (start + WORD_BYTES + count * PAIR_BYTES > this.view.byteLength) throw new RangeError("a list is cut");
    return Array.from({ length: count }, (_, i) => {
      const pair = start + WORD_BYTES + i * PAIR_BYTES;
      return make(this.longAt(pair), this.longAt(pair + PAIR_BYTES / 2));
    });
  }

  /** Where a field stands; null where it has its default. */
  private place(field: number): number | null {
    const entry = WORD_BYTES + 2 * field;
    if (entry >= this.view.getUint16(this.fields, true)) return null;
    const offset = this.view.getUint16(this.fields + entry, true);
    return offset === 0 ? null : this.at + offset;
  }

  /** What a field points at. */
  private target(field: number): number {
    const place = this.place(field);
    if (place === null) throw new RangeError("a field that must be there is missing");
    return place + this.view.getUint32(place, true);
  }

  private longAt(place: number): number {
    return this.view.getUint32(place, true) + this.view.getInt32(place + WORD_BYTES, true) * TWO_TO_32;
  }
}
