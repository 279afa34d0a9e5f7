// Ids of keyed nodes. A key tuple has one canonical spelling, whoever writes it: the id of the node.

import { assert } from "../lib/assert.ts";
import { badRequest } from "../lib/errors.ts";
import type { NodeType, PropertyType } from "./catalog.ts";

/** A stored key value: I64 and U64 as bigint, dates as days, datetimes as milliseconds. */
export type KeyValue = boolean | number | bigint | string;

/** The canonical spelling of one key value, after narrowing to its declared width. */
export function canonicalKeyText(value: KeyValue, type: PropertyType): string {
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) {
    throw badRequest(`a key that is ${value} cannot identify an entity: expected a finite number`);
  }
  if (value === 0) return "0";
  return plainNotation(type.scalar === "F32" ? shortestFloat32(value) : String(value));
}

/** The id of a keyed node; `values` in the order of `type.key`. */
export function nodeIdFromKey(type: NodeType, values: readonly KeyValue[]): string {
  const key = type.key;
  assert(key !== null && key.length === values.length, `one value per key property of ${type.name}`);
  const texts = values.map((value, i) => canonicalKeyText(value, key[i].type));
  return texts.length === 1 ? texts[0] : JSON.stringify(texts);
}

/**
 * Reads the tuple that a row claims under a unique constraint: the JSON array of the canonical texts of its parts, or
 * null where one of them is null (such a row claims nothing).
 */
export function tupleReader<R extends readonly unknown[]>(
  parts: readonly ((...row: R) => string | null)[],
): (...row: R) => string | null {
  return (...row) => {
    const texts: string[] = [];
    for (const part of parts) {
      const text = part(...row);
      if (text === null) return null;
      texts.push(text);
    }
    return JSON.stringify(texts);
  };
}

const FLOAT32_DIGITS_MAX = 9;

/** The shortest decimal that reads back as the same 32-bit float. */
function shortestFloat32(value: number): string {
  const narrow = Math.fround(value);
  if (!Number.isFinite(narrow)) {
    throw badRequest(`${value} exceeds Float32 range and cannot identify an entity`);
  }
  const sign = narrow < 0 ? "-" : "";
  const magnitude = Math.abs(narrow);
  for (let digits = 1; digits < FLOAT32_DIGITS_MAX; digits++) {
    const [mantissa, exponent] = magnitude.toExponential(digits - 1).split("e");
    const nearest = Number(mantissa.replace(".", ""));
    const shift = Number(exponent) - (digits - 1);
    // Floats above a power of two stand twice as far apart as below it, so the decimal next above may be the shortest.
    for (const decimal of [nearest, nearest + 1]) {
      const text = `${decimal}e${shift < 0 ? "" : "+"}${shift}`;
      if (Math.fround(Number(text)) === magnitude) return sign + text;
    }
  }
  return narrow.toPrecision(FLOAT32_DIGITS_MAX);
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/;

/** Writes a number's text without exponent, leading zeros or trailing zeros. */
function plainNotation(text: string): string {
  const match = NUMBER.exec(text);
  assert(match !== null, `'${text}' is the text of a finite number`);
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const point = whole.length + Number(exponent);
  const digits = whole + fraction;
  const integer = point <= 0 ? "0" : digits.slice(0, point).padEnd(point, "0");
  const rest = point <= 0 ? "0".repeat(-point) + digits : digits.slice(point);
  const decimals = rest.replace(/0+$/, "");
  const integral = integer.replace(/^0+(?=\d)/, "");
  return decimals === "" ? sign + integral : `${sign}${integral}.${decimals}`;
}
