// Reads the operator config leniently about unknown keys (they are reported, not refused) and strictly about types.

import type { JsonObject, JsonValue } from "../lib/json.ts";
import { atPosition, type Position, parseYaml, type YamlNode } from "../lib/yaml.ts";

/** The text does not parse, or a value has the wrong type; the message ends with the place. */
export class ConfigShapeError extends Error {
  override readonly name = "ConfigShapeError";
}

/** Parses a document whose root is a mapping (or empty). */
export async function readConfigMap(text: string, unknownKey: (path: string) => void): Promise<ConfigMap> {
  const { root, duplicates, fault } = await parseYaml(text);
  if (fault !== null) throw new ConfigShapeError(fault.message);
  const duplicate = duplicates[0];
  if (duplicate !== undefined) {
    throw new ConfigShapeError(atPosition(`duplicate key \`${duplicate.path}\``, duplicate.at));
  }
  return new ConfigMap(root, "", unknownKey);
}

/** One mapping; every accessor answers null (or empty) for a missing or empty value. */
export class ConfigMap {
  private readonly members: ReadonlyMap<string, YamlNode>;

  constructor(
    private readonly node: YamlNode,
    private readonly path: string,
    private readonly unknownKey: (path: string) => void,
  ) {
    if (node.kind !== "map" && node.kind !== "null") {
      refuse(path === "" ? "the document" : path, "a mapping", node.at);
    }
    const entries = node.kind === "map" ? node.entries : [];
    this.members = new Map(entries.map(({ key, value }) => [key, value]));
  }

  /** Reports every key that is not in the list. */
  knows(...keys: readonly string[]): void {
    for (const key of this.members.keys()) if (!keys.includes(key)) this.unknownKey(this.pathOf(key));
  }

  map(key: string): ConfigMap {
    const node = this.members.get(key) ?? { kind: "null", at: this.node.at };
    return new ConfigMap(node, this.pathOf(key), this.unknownKey);
  }

  /** Every entry, read as a mapping of its own. */
  entries<T>(read: (entry: ConfigMap) => T): ReadonlyMap<string, T> {
    return new Map([...this.members.keys()].map((key) => [key, read(this.map(key))]));
  }

  string(key: string): string | null {
    const node = this.value(key);
    if (node === null) return null;
    if (node.kind !== "scalar") return refuse(this.pathOf(key), "a string", node.at);
    return node.text === "" ? null : node.text;
  }

  required(key: string): string {
    return this.string(key) ?? refuse(this.pathOf(key), "given, and a string", this.node.at);
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | null {
    const node = this.value(key);
    if (node === null) return null;
    const found = choices.find((choice) => node.kind === "scalar" && choice === node.text);
    return found ?? refuse(this.pathOf(key), `one of ${choices.join(", ")}`, node.at);
  }

  positiveInteger(key: string): number | null {
    const node = this.value(key);
    if (node === null) return null;
    const value = node.kind === "scalar" && /^[0-9]+$/.test(node.text) ? Number(node.text) : 0;
    return value >= 1 && Number.isSafeInteger(value)
      ? value
      : refuse(this.pathOf(key), "a whole number above zero", node.at);
  }

  strings(key: string): readonly string[] {
    const node = this.value(key);
    if (node === null) return [];
    if (node.kind !== "list") return refuse(this.pathOf(key), "a list of strings", node.at);
    return node.items.map((item) =>
      item.kind === "scalar" ? item.text : refuse(this.pathOf(key), "a list of strings", item.at),
    );
  }

  /** A mapping of values as JSON has them. */
  json(key: string): JsonObject {
    const node = this.map(key).node;
    return node.kind === "map" ? jsonOfMap(node.entries) : {};
  }

  private value(key: string): YamlNode | null {
    const node = this.members.get(key);
    return node === undefined || node.kind === "null" ? null : node;
  }

  private pathOf(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }
}

function refuse(path: string, expected: string, at: Position): never {
  throw new ConfigShapeError(atPosition(`\`${path}\` must be ${expected}`, at));
}

function jsonOfMap(entries: readonly { readonly key: string; readonly value: YamlNode }[]): JsonObject {
  return Object.fromEntries(entries.map(({ key, value }) => [key, jsonOf(value)]));
}

/** Plain scalars by the core schema of YAML; integers keep all their digits. */
function jsonOf(node: YamlNode): JsonValue {
  switch (node.kind) {
    case "null":
      return null;
    case "list":
      return node.items.map(jsonOf);
    case "map":
      return jsonOfMap(node.entries);
    case "scalar":
      return node.plain ? plainScalar(node.text) : node.text;
  }
}

function plainScalar(text: string): JsonValue {
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?[0-9]+$/.test(text)) {
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : BigInt(text);
  }
  return /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text) ? Number(text) : text;
}
