// Strict reading of a YAML tree into values of a known shape. A reader goes on after a finding, so that callers may
// report the first, the gravest or all of them; nothing unknown is ever skipped in silence.

import { atPosition, type Position, type YamlMap, type YamlNode } from "./yaml.ts";

export type FindingKind = "unknown_field" | "missing_field" | "wrong_type" | "unknown_variant";

export interface Finding {
  readonly kind: FindingKind;
  /** Ends with ` at line L column C`. */
  readonly message: string;
  readonly at: Position;
}

/** The fields of one map, by name; an optional field with an empty value is left out. */
export type Fields = ReadonlyMap<string, YamlNode>;

export interface FieldNames {
  readonly required?: readonly string[];
  readonly optional?: readonly string[];
  /** Fields whose empty value is no way to leave them out. */
  readonly notEmpty?: readonly string[];
  /** Said after the list of accepted keys when this unknown key is met. */
  readonly hints?: Readonly<Record<string, string>>;
}

const INTEGER = /^[-+]?[0-9]+$/;

const describe = (node: YamlNode): string => {
  switch (node.kind) {
    case "null":
      return "an empty value";
    case "scalar":
      return node.plain ? `\`${node.text}\`` : `string "${node.text}"`;
    case "list":
      return "a list";
    case "map":
      return "a mapping";
  }
};

const join = (where: string, key: string): string => (where === "" ? key : `${where}.${key}`);

export class YamlReader {
  private readonly found: Finding[] = [];

  get findings(): readonly Finding[] {
    return this.found;
  }

  note(kind: FindingKind, message: string, at: Position): void {
    this.found.push({ kind, message: atPosition(message, at), at });
  }

  private wrongType(node: YamlNode, where: string, expected: string): null {
    const place = where === "" ? "" : `${where}: `;
    this.note("wrong_type", `${place}expected ${expected}, found ${describe(node)}`, node.at);
    return null;
  }

  /** A map of any keys. */
  map(node: YamlNode, where: string): YamlMap | null {
    return node.kind === "map" ? node : this.wrongType(node, where, "a mapping");
  }

  /** A map of known keys. A key that stands twice keeps its first value. */
  fields(node: YamlNode, where: string, names: FieldNames): Fields | null {
    const map = this.map(node, where);
    if (map === null) return null;
    const { required = [], optional = [], notEmpty = [], hints = {} } = names;
    const accepted = [...required, ...optional];
    const fields = new Map<string, YamlNode>();
    for (const { key, keyAt, value } of map.entries) {
      if (!accepted.includes(key)) {
        const hint = Object.hasOwn(hints, key) ? `; ${hints[key]}` : "";
        const place = where === "" ? "" : `${where}: `;
        const list = accepted.map((name) => `\`${name}\``).join(", ");
        this.note("unknown_field", `${place}unknown field \`${key}\`, expected one of ${list}${hint}`, keyAt);
      } else if (value.kind === "null" && optional.includes(key)) {
        if (notEmpty.includes(key)) this.wrongType(value, join(where, key), "a value");
      } else if (!fields.has(key)) {
        fields.set(key, value);
      }
    }
    for (const name of required) {
      if (!fields.has(name)) {
        const place = where === "" ? "" : `${where}: `;
        this.note("missing_field", `${place}missing field \`${name}\``, map.at);
      }
    }
    return fields;
  }

  list(node: YamlNode, where: string): readonly YamlNode[] | null {
    return node.kind === "list" ? node.items : this.wrongType(node, where, "a list");
  }

  /** A plain scalar is taken as written: `5` is the text "5". */
  string(node: YamlNode, where: string): string | null {
    return node.kind === "scalar" ? node.text : this.wrongType(node, where, "a string");
  }

  strings(node: YamlNode, where: string): string[] | null {
    const items = this.list(node, where);
    if (items === null) return null;
    return items.flatMap((item, i) => this.string(item, `${where}[${i}]`) ?? []);
  }

  integer(node: YamlNode, where: string): number | null {
    const value = node.kind === "scalar" && node.plain && INTEGER.test(node.text) ? Number(node.text) : null;
    return value !== null && Number.isSafeInteger(value) ? value : this.wrongType(node, where, "an integer");
  }

  /** `true` or `false`, unquoted; nothing else is a boolean. */
  boolean(node: YamlNode, where: string): boolean | null {
    if (node.kind === "scalar" && node.plain && node.text === "true") return true;
    if (node.kind === "scalar" && node.plain && node.text === "false") return false;
    return this.wrongType(node, where, "true or false");
  }

  variant<T extends string>(node: YamlNode, where: string, values: readonly T[]): T | null {
    const text = this.string(node, where);
    if (text === null) return null;
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) {
      const list = values.map((name) => `\`${name}\``).join(", ");
      const place = where === "" ? "" : `${where}: `;
      this.note("unknown_variant", `${place}unknown variant \`${text}\`, expected one of ${list}`, node.at);
      return null;
    }
    return value;
  }
}
