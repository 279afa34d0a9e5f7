// Writing our own JSON objects, with a checksum at the end, and reading them back: whatever is not as it was written is an
// error that names object and place.

import { StorageError } from "../lib/errors.ts";
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  jsonKind,
  parseJson,
  stringifyJson,
} from "../lib/json.ts";
import { encodeUtf8, tryDecodeUtf8 } from "../lib/utf8.ts";
import { STORAGE_FORMAT_VERSION } from "../lib/version.ts";

/** The format of all objects that this build reads and writes. */
export const FORMAT = STORAGE_FORMAT_VERSION;

/** An object that is not what it should be, or not there: storage answered, and nothing is gained by asking again. */
export class DamagedObject extends StorageError {}

export function damaged(object: string, reason: string): DamagedObject {
  return new DamagedObject("internal", `object '${object}' is damaged: ${reason}`);
}

const SEAL = /,"crc":(\d{1,10})\}$/;
/** Bytes of the longest seal. */
const SEAL_BYTES_MAX = 18;

/** The text of an object whose last member is the CRC-32 of all that comes before it. */
export function sealedJson(json: JsonObject): Uint8Array<ArrayBuffer> {
  const open = encodeUtf8(stringifyJson(json).slice(0, -1));
  const seal = encodeUtf8(`,"crc":${Bun.hash.crc32(open)}}`);
  const sealed = new Uint8Array(open.length + seal.length);
  sealed.set(open);
  sealed.set(seal, open.length);
  return sealed;
}

/** Objects of older builds, and those that people write, have no seal. */
function keepsSeal(bytes: Uint8Array): boolean {
  const end = Buffer.from(bytes.subarray(-SEAL_BYTES_MAX)).toString("latin1");
  const seal = SEAL.exec(end);
  if (seal === null) return true;
  return Bun.hash.crc32(bytes.subarray(0, bytes.length - seal[0].length)) === Number(seal[1]);
}

/** One value in an object on storage. */
export class StoredValue {
  private constructor(
    readonly object: string,
    /** What it stands in; null for the whole object. */
    private readonly parent: StoredValue | null,
    private readonly place: string | number,
    readonly value: JsonValue | undefined,
  ) {}

  /** Reads the JSON text of an object; `format` must be the known one. */
  static parse(object: string, bytes: Uint8Array): StoredValue {
    const text = tryDecodeUtf8(bytes);
    if (text === null) throw damaged(object, "not UTF-8");
    const isWhole = keepsSeal(bytes);
    let json: JsonValue;
    try {
      json = parseJson(text);
    } catch (thrown) {
      if (!isWhole) throw damaged(object, BROKEN_SEAL);
      throw damaged(object, thrown instanceof Error ? thrown.message : String(thrown));
    }
    if (!isWhole) throw brokenSeal(object, json);
    const root = new StoredValue(object, null, "", json);
    const format = root.member("format").integer();
    if (format !== FORMAT) throw formatMismatch(object, format);
    return root;
  }

  member(name: string): StoredValue {
    return new StoredValue(this.object, this, name, this.members()[name]);
  }

  /** The item of an array. */
  item(index: number): StoredValue {
    return new StoredValue(this.object, this, index, this.array()[index]);
  }

  items(): StoredValue[] {
    return this.array().map((value, i) => new StoredValue(this.object, this, i, value));
  }

  get isPresent(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  members(): JsonObject {
    return isJsonObject(this.value) ? this.value : this.fail("an object");
  }

  array(): readonly JsonValue[] {
    return Array.isArray(this.value) ? this.value : this.fail("an array");
  }

  string(): string {
    return typeof this.value === "string" ? this.value : this.fail("a string");
  }

  stringOrNull(): string | null {
    return this.isPresent ? this.string() : null;
  }

  strings(): string[] {
    return this.items().map((item) => item.string());
  }

  boolean(): boolean {
    return typeof this.value === "boolean" ? this.value : this.fail("a boolean");
  }

  /** An integer of at least zero that a double holds. */
  integer(): number {
    const { value } = this;
    return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.fail("an integer");
  }

  integers(): number[] {
    return this.items().map((item) => item.integer());
  }

  /** Where it stands in the object; spelled only for those who complain. */
  private get path(): string {
    const { parent, place } = this;
    if (parent === null) return "";
    if (typeof place === "number") return `${parent.path}[${place}]`;
    return parent.path === "" ? place : `${parent.path}.${place}`;
  }

  fail(expected: string): never {
    const found = this.value === undefined ? "nothing" : jsonKind(this.value);
    throw damaged(this.object, `expected ${expected} at '${this.path}', found ${found}`);
  }
}

const BROKEN_SEAL = "it fails its checksum";

/** Another format may have other checksums: so its number is told rather than damage, though it may be that. */
function brokenSeal(object: string, json: JsonValue): DamagedObject {
  const format = isJsonObject(json) ? json.format : undefined;
  if (typeof format !== "number" || format === FORMAT) return damaged(object, BROKEN_SEAL);
  return new DamagedObject("internal", `${formatText(object, format)}, unless it is damaged: ${BROKEN_SEAL}`);
}

const formatMismatch = (object: string, format: number): StorageError =>
  new StorageError("internal", formatText(object, format));

const formatText = (object: string, format: number): string =>
  `object '${object}' has storage format ${format}; this build reads format ${FORMAT}: export the graph with a build ` +
  "that reads it, then init and load it here";
