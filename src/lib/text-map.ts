// Texts by texts, in as little memory as sets of texts take.

import { TextList } from "./text-list.ts";
import { TextSet } from "./text-set.ts";
import { Uint32List } from "./uint32-list.ts";

export class TextMap {
  readonly keys = new TextSet();
  private readonly values = new TextList();
  /** For each key the number of its value. */
  private readonly newest = new Uint32List();

  get(key: string): string | undefined {
    const number = this.keys.numberOf(key);
    return number < 0 ? undefined : this.values.at(this.newest.at(number));
  }

  /** The values that others replaced are not let go of. */
  set(key: string, value: string): void {
    const before = this.keys.size;
    const number = this.keys.add(key);
    if (number === before) this.newest.push(this.values.append(value));
    else if (this.values.at(this.newest.at(number)) !== value)
      this.newest.set(number, this.values.append(value));
  }
}
