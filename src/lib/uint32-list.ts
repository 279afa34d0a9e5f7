// A list of unsigned 32-bit numbers that grows without being copied: what it let go of would stay in memory for a while.

const FIRST_LENGTH = 16;
const PAGE_BITS = 16;
const PAGE_LENGTH = 2 ** PAGE_BITS;

export class Uint32List {
  length = 0;
  private readonly pages: Uint32Array[] = [new Uint32Array(FIRST_LENGTH)];

  at(index: number): number {
    return this.pages[index >>> PAGE_BITS][index & (PAGE_LENGTH - 1)];
  }

  /** Changes a number that is there. */
  set(index: number, value: number): void {
    this.pages[index >>> PAGE_BITS][index & (PAGE_LENGTH - 1)] = value;
  }

  push(value: number): void {
    const page = this.length >>> PAGE_BITS;
    if (page === this.pages.length) this.pages.push(new Uint32Array(PAGE_LENGTH));
    const place = this.length & (PAGE_LENGTH - 1);
    // Only the first page begins small.
    if (place === this.pages[page].length) this.pages[page] = twice(this.pages[page]);
    this.pages[page][place] = value;
    this.length++;
  }

  /** Makes all of them the same. */
  fill(value: number): void {
    for (const page of this.pages) page.fill(value);
  }
}

function twice(values: Uint32Array): Uint32Array {
  const larger = new Uint32Array(values.length * 2);
  larger.set(values);
  return larger;
}
