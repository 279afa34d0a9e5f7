// How many edges a write adds at each source, of a type that limits them.

import { TextSet } from "../../lib/text-set.ts";
import { Uint32List } from "../../lib/uint32-list.ts";

export class SourceCounts {
  /** Sources whose edges change. */
  readonly sources = new TextSet();
  private readonly added = new Uint32List();

  /** Notes a source whose edges change. */
  touch(source: string): number {
    const number = this.sources.add(source);
    if (number === this.added.length) this.added.push(0);
    return number;
  }

  /** Notes an edge that is added at a source. */
  add(source: string): void {
    const number = this.touch(source);
    this.added.set(number, this.added.at(number) + 1);
  }

  /** Of a source that was noted. */
  addedAt(source: string): number {
    return this.added.at(this.sources.numberOf(source));
  }

  /** Lets go of the edges, and keeps the sources. */
  forgetAdded(): void {
    this.added.fill(0);
  }
}
