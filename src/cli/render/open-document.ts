// JSON documents that are printed while they grow, to the letter as prettyJson would print them whole.

import { type JsonValue, prettyJson } from "../../lib/json.ts";

const STEP = "  ";

/** The text of an array, item by item; `indent` is that of the line on which it begins. */
export class OpenArray {
  private isEmpty = true;
  private readonly inner: string;

  constructor(private readonly indent: string) {
    this.inner = indent + STEP;
  }

  /** What comes before an item. */
  separator(): string {
    const text = `${this.isEmpty ? "[" : ","}\n${this.inner}`;
    this.isEmpty = false;
    return text;
  }

  items(values: readonly JsonValue[]): string {
    return values.map((value) => this.separator() + prettyJson(value, this.inner)).join("");
  }

  end(): string {
    return this.isEmpty ? "[]" : `\n${this.indent}]`;
  }
}

/** A member of the object that begins with this indentation, up to where its value stands. */
export const memberStart = (indent: string, name: string): string =>
  `${indent}${STEP}${JSON.stringify(name)}: `;

/** A whole member. */
export const member = (indent: string, name: string, value: JsonValue): string =>
  memberStart(indent, name) + prettyJson(value, indent + STEP);
