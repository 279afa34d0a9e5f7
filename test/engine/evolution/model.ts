// A schema as plain data with identities of its own, its text, and random changes that migrations support: what random
// evolutions are made of. Names are chosen so that no hint is ambiguous; which value belongs to what is told by identity.

import type { JsonValue } from "../../../src/lib/json.ts";

export type Below = (bound: number) => number;
/** Never changes, whatever the name is. */
export type Identity = number;

const BASES = ["String", "I32", "Bool", "F64", "Date", "[String]", "enum"] as const;
type Base = (typeof BASES)[number];

export interface PropertyModel {
  readonly id: Identity;
  readonly name: string;
  readonly base: Base;
  /** Of an enum. */
  readonly values: readonly string[];
  readonly nullable: boolean;
  readonly isKey: boolean;
  readonly isIndexed: boolean;
  readonly description: string | null;
}

export interface TypeModel {
  readonly id: Identity;
  readonly kind: "interface" | "node" | "edge";
  readonly name: string;
  readonly description: string | null;
  /** Its own. */
  readonly properties: readonly PropertyModel[];
  /** Of a node: the interface that it implements. Of an edge: its ends. */
  readonly others: readonly Identity[];
}

export interface SchemaModel {
  readonly types: readonly TypeModel[];
  readonly nextId: Identity;
}

export const typeOf = ({ types }: SchemaModel, id: Identity): TypeModel => {
  const type = types.find((other) => other.id === id);
  if (type === undefined) throw new Error(`no type ${id}`);
  return type;
};

/** A type's own properties and those of its interface, each with an identity of its own in that type. */
export function effectiveProperties(schema: SchemaModel, type: TypeModel): readonly PropertyModel[] {
  const inherited = type.kind === "node" ? type.others.flatMap((id) => typeOf(schema, id).properties) : [];
  return [...type.properties, ...inherited];
}

// --- text -------------------------------------------------------------------------------------------------------

/** The text in some order, with hints for what has another name in `before`. */
export function schemaText(schema: SchemaModel, before: SchemaModel | null, below: Below): string {
  const declarations = schema.types.map((type) => {
    const former = before?.types.find(({ id }) => id === type.id);
    const ends = type.others.map((id) => typeOf(schema, id).name);
    const header = `${type.kind} ${type.name}${type.kind === "edge" ? `: ${ends.join(" -> ")}` : ""}`;
    const annotations = `${described(type)}${hint(type, former)}`;
    const interfaces = type.kind === "node" && ends.length > 0 ? ` implements ${ends.join(", ")}` : "";
    const body = shuffled(type.properties, below).map((property) => {
      const old = former?.properties.find(({ id }) => id === property.id);
      const marks = `${property.isKey ? " @key" : ""}${property.isIndexed ? " @index" : ""}`;
      return `  ${property.name}: ${typeText(property, below)}${marks}${described(property)}${hint(property, old)}`;
    });
    return `${header}${annotations}${interfaces} {\n${body.join("\n")}\n}`;
  });
  return `// ${below(1000)}\n${shuffled(declarations, below).join("\n")}\n`;
}

function typeText({ base, values, nullable }: PropertyModel, below: Below): string {
  return `${base === "enum" ? `enum(${shuffled(values, below).join(", ")})` : base}${nullable ? "?" : ""}`;
}

const described = ({ description }: { readonly description: string | null }) =>
  description === null ? "" : ` @description("${description}")`;

function hint(now: { readonly name: string }, former: { readonly name: string } | undefined): string {
  return former === undefined || former.name === now.name ? "" : ` @rename_from("${former.name}")`;
}

export function shuffled<T>(items: readonly T[], below: Below): T[] {
  const left = [...items];
  return items.map(() => left.splice(below(left.length), 1)[0]);
}

// --- random changes ---------------------------------------------------------------------------------------------

const TYPE_NAMES = ["Alp", "Bay", "Cape", "Dune", "Elm", "Fjord", "Glen", "Hill", "Isle", "Karst"];
const PROPERTY_NAMES = ["a", "b", "c", "d", "e", "f", "g", "h", "k", "m", "n", "p", "src", "to", "key"];
const ENUM_VALUES = ["red", "green", "blue", "9-lives", "Black", "-x"];

export class Evolution {
  private types: TypeModel[];
  private nextId: Identity;

  constructor(
    private readonly before: SchemaModel,
    private readonly below: Below,
  ) {
    this.types = [...before.types];
    this.nextId = before.nextId;
  }

  /** The first schema: an interface, two nodes and an edge, with some properties. */
  static first(below: Below): SchemaModel {
    const evolution = new Evolution({ types: [], nextId: 1 }, below);
    evolution.addType("interface");
    evolution.addType("node");
    evolution.addType("node");
    evolution.addType("edge");
    for (let i = 0; i < 6; i++) evolution.addProperty();
    return evolution.result();
  }

  result(): SchemaModel {
    return { types: this.types, nextId: this.nextId };
  }

  /** One change, or none where nothing of the kind can be done. */
  step(): void {
    const kind = this.below(12);
    if (kind < 3) this.addProperty();
    else if (kind < 5) this.dropProperty();
    else if (kind < 7) this.renameProperty();
    else if (kind < 8) this.renameType();
    else if (kind < 9) this.addType(this.pick(["interface", "node", "node", "edge"] as const));
    else if (kind < 10) this.dropType();
    else this.changeProperty();
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  private replace(type: TypeModel, changed: Partial<TypeModel>): void {
    this.types = this.types.map((other) => (other.id === type.id ? { ...other, ...changed } : other));
  }

  /** A name that nothing of the kind has now or had before this evolution: reusing one means something else. */
  private freeName(names: readonly string[], taken: Iterable<string>): string | null {
    const used = new Set(taken);
    const free = names.filter((name) => !used.has(name));
    return free.length === 0 ? null : this.pick(free);
  }

  private freeTypeName(): string | null {
    return this.freeName(
      TYPE_NAMES,
      [...this.types, ...this.before.types].map(({ name }) => name),
    );
  }

  /** Free in the type, and in whatever shares its properties. */
  private freePropertyName(type: Pick<TypeModel, "id" | "kind" | "others">): string | null {
    const sharers = [this.before, this.result()].flatMap((schema) =>
      schema.types.filter(
        (other) =>
          other.id === type.id ||
          (type.kind !== "edge" && type.others.includes(other.id)) ||
          (other.kind === "node" && other.others.some((id) => id === type.id || type.others.includes(id))),
      ),
    );
    const taken = sharers.flatMap(({ properties }) => properties.map(({ name }) => name));
    return this.freeName(PROPERTY_NAMES, type.kind === "edge" ? [...taken, "src", "to"] : taken);
  }

  private addType(kind: TypeModel["kind"]): void {
    const name = this.freeTypeName();
    const nodes = this.types.filter((type) => type.kind === "node");
    if (name === null || (kind === "edge" && nodes.length === 0)) return;
    const interfaces = this.types.filter((type) => type.kind === "interface");
    const others =
      kind === "edge"
        ? [this.pick(nodes).id, this.pick(nodes).id]
        : kind === "node" && interfaces.length > 0
          ? [this.pick(interfaces).id]
          : [];
    const id = this.nextId++;
    const keyName = kind === "node" ? this.freePropertyName({ id, kind, others }) : null;
    const properties = keyName === null ? [] : [this.property(keyName, { base: "String", isKey: true })];
    this.types.push({ id, kind, name, description: null, properties, others });
  }

  private property(name: string, given: Partial<PropertyModel>): PropertyModel {
    const base = given.base ?? this.pick(BASES);
    return {
      id: this.nextId++,
      name,
      base,
      values: base === "enum" ? shuffled(ENUM_VALUES, this.below).slice(0, 1 + this.below(3)) : [],
      nullable: given.isKey !== true,
      isKey: given.isKey === true,
      isIndexed: given.isKey !== true && base !== "[String]" && this.below(3) === 0,
      description: this.below(4) === 0 ? `about ${this.below(100)}` : null,
    };
  }

  private addProperty(): void {
    const type = this.pick(this.types);
    const name = this.freePropertyName(type);
    if (name === null) return;
    this.replace(type, { properties: [...type.properties, this.property(name, {})] });
  }

  private pickProperty(): { type: TypeModel; property: PropertyModel } | null {
    const all = this.types.flatMap((type) => type.properties.map((property) => ({ type, property })));
    return all.length === 0 ? null : this.pick(all);
  }

  private editProperty(edit: (property: PropertyModel, type: TypeModel) => PropertyModel | null): void {
    const found = this.pickProperty();
    if (found === null) return;
    const edited = edit(found.property, found.type);
    const properties = found.type.properties.flatMap((property) =>
      property.id === found.property.id ? (edited ?? []) : property,
    );
    this.replace(found.type, { properties });
  }

  private dropProperty(): void {
    this.editProperty((property) => (property.isKey ? property : null));
  }

  private renameProperty(): void {
    this.editProperty((property, type) => ({
      ...property,
      name: this.freePropertyName(type) ?? property.name,
    }));
  }

  private changeProperty(): void {
    this.editProperty((property) => {
      const more = ENUM_VALUES.filter((value) => !property.values.includes(value));
      if (property.base === "enum" && more.length > 0) {
        return { ...property, values: [...property.values, this.pick(more)] };
      }
      const canHaveIndex = property.base !== "[String]" && !property.isKey;
      return canHaveIndex && this.below(2) === 0
        ? { ...property, isIndexed: true }
        : { ...property, description: this.below(3) === 0 ? null : `about ${this.below(100)}` };
    });
  }

  private renameType(): void {
    const name = this.freeTypeName();
    const renameable = this.types.filter(({ kind }) => kind !== "interface");
    if (name !== null && renameable.length > 0) this.replace(this.pick(renameable), { name });
  }

  /** A node goes with its edges. */
  private dropType(): void {
    const droppable = this.types.filter(({ kind }) => kind !== "interface");
    if (droppable.length < 2) return;
    const { id } = this.pick(droppable);
    this.types = this.types.filter(
      (type) => type.id !== id && !(type.kind === "edge" && type.others.includes(id)),
    );
  }
}

/** A value that the property takes. */
export function randomValue({ base, values }: PropertyModel, below: Below): JsonValue {
  switch (base) {
    case "String":
      return `text ${below(50)}`;
    case "I32":
      return below(1000) - 500;
    case "Bool":
      return below(2) === 0;
    case "F64":
      return below(1000) / 8;
    case "Date":
      return `20${10 + below(80)}-0${1 + below(9)}-1${below(10)}`;
    case "[String]":
      return Array.from({ length: below(3) }, () => `item ${below(9)}`);
    case "enum":
      return values[below(values.length)];
  }
}
