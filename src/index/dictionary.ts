// A string column as small integers: equal texts have equal codes, so grouping and equality become integer work.

import { type Column, isValid, type Utf8Column } from "../store/index.ts";
import { equalRanges, hashBytes, tableSize } from "./id-hash.ts";

const FIRST_SIZE = 1024;

export class Dictionary {
  /** Code of each row; 0 is null, codes start at 1 in order of first appearance. */
  readonly codes: Int32Array;
  /** A row that has the code; `firstRow[0]` means nothing. */
  readonly firstRow: number[] = [-1];
  private slots = new Int32Array(FIRST_SIZE);
  private readonly text: Utf8Column | null;

  constructor(column: Column | undefined, length: number) {
    if (column !== undefined && column.kind !== "utf8")
      throw new Error("invariant broken: codes of a column without text");
    this.codes = new Int32Array(length);
    this.text = column ?? null;
    if (column === undefined) return;
    const { bytes, offsets, valid } = column;
    for (let row = 0; row < length; row++) {
      if (isValid(valid, row)) this.codes[row] = this.codeOfRow(bytes, offsets, row);
    }
  }

  /** Codes are below this. */
  get size(): number {
    return this.firstRow.length;
  }

  private codeOfRow(bytes: Uint8Array, offsets: Int32Array, row: number): number {
    const slot = this.slotOf(bytes, offsets[row], offsets[row + 1]);
    const known = this.slots[slot];
    if (known !== 0) return known;
    const code = this.firstRow.length;
    this.firstRow.push(row);
    this.slots[slot] = code;
    if (code * 2 > this.slots.length) this.grow();
    return code;
  }

  /** Code of a text, or -1 where no row has it. */
  code(bytes: Uint8Array): number {
    const code = this.slots[this.slotOf(bytes, 0, bytes.length)];
    return code === 0 ? -1 : code;
  }

  private slotOf(bytes: Uint8Array, start: number, end: number): number {
    const mask = this.slots.length - 1;
    let slot = hashBytes(bytes, start, end) & mask;
    for (;;) {
      const code = this.slots[slot];
      if (code === 0 || this.text === null) return slot;
      const row = this.firstRow[code];
      const { bytes: own, offsets } = this.text;
      if (equalRanges(own, offsets[row], offsets[row + 1], bytes, start, end)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private grow(): void {
    this.slots = new Int32Array(tableSize(this.firstRow.length * 2));
    const { bytes, offsets } = this.text ?? { bytes: new Uint8Array(0), offsets: new Int32Array(1) };
    for (let code = 1; code < this.firstRow.length; code++) {
      const row = this.firstRow[code];
      this.slots[this.slotOf(bytes, offsets[row], offsets[row + 1])] = code;
    }
  }
}
