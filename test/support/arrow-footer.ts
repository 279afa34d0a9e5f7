// Reads the frame of an Arrow IPC file by the letter of its specification, and by nothing of ours: magic, footer, schema
// and the places of its messages. A flatbuffer is read through its vtables.

export interface ArrowFrame {
  readonly fields: readonly {
    readonly name: string;
    readonly isNullable: boolean;
    readonly metadata: Metadata;
  }[];
  readonly metadata: Metadata;
  /** Rows of each record batch. */
  readonly batches: readonly number[];
}

type Metadata = Readonly<Record<string, string>>;

const MAGIC = "ARROW1";
/** The footer's length and the magic behind it. */
const TRAILER_BYTES = 4 + MAGIC.length;
const CONTINUATION = 0xffffffff;
/** Size of a Block struct: offset, metadata length with padding, body length. */
const BLOCK_BYTES = 24;
const ALIGNMENT = 8;
const RECORD_BATCH = 3;

/** Throws where the file is not what the specification asks for. */
export function readArrowFrame(bytes: Uint8Array): ArrowFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number, length: number) => Buffer.from(bytes.subarray(at, at + length)).toString("utf8");
  expectThat(text(0, MAGIC.length) === MAGIC, "the file begins with the magic");
  expectThat(text(bytes.length - MAGIC.length, MAGIC.length) === MAGIC, "the file ends with the magic");
  const footerBytes = view.getInt32(bytes.length - TRAILER_BYTES, true);
  const footerAt = bytes.length - TRAILER_BYTES - footerBytes;
  expectThat(footerBytes > 0 && footerAt > ALIGNMENT, "the footer lies inside the file");

  const footer = Table.root(view, footerAt);
  const schema = footer.table(1);
  expectThat(schema !== null, "the footer holds the schema");
  const fields = (schema?.tables(1) ?? []).map((field) => ({
    name: field.text(0),
    isNullable: field.boolean(1),
    metadata: metadataOf(field.tables(6)),
  }));
  const batches = (footer.structs(3, BLOCK_BYTES) ?? []).map((block) => {
    const offset = Number(view.getBigInt64(block, true));
    const metadataBytes = view.getInt32(block + 8, true);
    const bodyBytes = Number(view.getBigInt64(block + 16, true));
    expectThat(offset % ALIGNMENT === 0 && metadataBytes % ALIGNMENT === 0, "messages are aligned");
    expectThat(offset + metadataBytes + bodyBytes <= footerAt, "messages lie before the footer");
    expectThat(view.getUint32(offset, true) === CONTINUATION, "a message begins with the continuation mark");
    const message = Table.root(view, offset + 8);
    expectThat(message.byte(1) === RECORD_BATCH, "the footer's blocks are record batches");
    expectThat(message.long(3) === bodyBytes, "a message knows the length of its body");
    const batch = message.table(2);
    expectThat(batch !== null, "a record batch has a header");
    return batch?.long(0) ?? 0;
  });
  return { fields, metadata: metadataOf(schema?.tables(2) ?? []), batches };
}

const metadataOf = (pairs: readonly Table[]): Metadata =>
  Object.fromEntries(pairs.map((pair) => [pair.text(0), pair.text(1)]));

/** A table of a flatbuffer: each slot of its vtable tells where a field is, or that it is not there. */
class Table {
  private constructor(
    private readonly view: DataView,
    private readonly at: number,
  ) {}

  static root(view: DataView, at: number): Table {
    return new Table(view, at + view.getUint32(at, true));
  }

  /** Where the field of a slot is; 0 where it is left out. */
  private field(slot: number): number {
    const vtable = this.at - this.view.getInt32(this.at, true);
    const entry = 4 + 2 * slot;
    if (entry >= this.view.getUint16(vtable, true)) return 0;
    const offset = this.view.getUint16(vtable + entry, true);
    return offset === 0 ? 0 : this.at + offset;
  }

  private target(slot: number): number {
    const field = this.field(slot);
    return field === 0 ? 0 : field + this.view.getUint32(field, true);
  }

  byte(slot: number): number {
    const field = this.field(slot);
    return field === 0 ? 0 : this.view.getUint8(field);
  }

  boolean(slot: number): boolean {
    return this.byte(slot) !== 0;
  }

  long(slot: number): number {
    const field = this.field(slot);
    return field === 0 ? 0 : Number(this.view.getBigInt64(field, true));
  }

  text(slot: number): string {
    const at = this.target(slot);
    if (at === 0) return "";
    const bytes = new Uint8Array(
      this.view.buffer,
      this.view.byteOffset + at + 4,
      this.view.getUint32(at, true),
    );
    return Buffer.from(bytes).toString("utf8");
  }

  table(slot: number): Table | null {
    const at = this.target(slot);
    return at === 0 ? null : new Table(this.view, at);
  }

  tables(slot: number): Table[] {
    return (this.structs(slot, 4) ?? []).map(
      (at) => new Table(this.view, at + this.view.getUint32(at, true)),
    );
  }

  /** Where the elements of a vector are. */
  structs(slot: number, bytes: number): number[] | null {
    const at = this.target(slot);
    if (at === 0) return null;
    return Array.from({ length: this.view.getUint32(at, true) }, (_, i) => at + 4 + i * bytes);
  }
}

function expectThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(`not an Arrow file: it does not hold that ${what}`);
}
