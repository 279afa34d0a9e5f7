// What a schema means, after parsing and checking: the types every other part of the engine works with.
// Stable ids never change and are never reused within a graph; names may be changed by a migration.

export type ScalarName =
  | "String"
  | "Bool"
  | "I32"
  | "I64"
  | "U32"
  | "U64"
  | "F32"
  | "F64"
  | "Date"
  | "DateTime"
  | "Blob";

/** A property's type. `enumValues` (sorted by bytes) only with scalar String; a vector is never a list. */
export interface PropertyType {
  readonly scalar: ScalarName | { readonly vector: number };
  readonly list: boolean;
  readonly nullable: boolean;
  readonly enumValues: readonly string[] | null;
}

export type StableId = number;

export interface Annotation {
  readonly name: string;
  readonly value: string | null;
  readonly kwargs?: Readonly<Record<string, string>>;
}

export interface Embed {
  /** Name of the property whose text the vector embeds. */
  readonly source: string;
  readonly model: string | null;
}

export interface Property {
  readonly id: StableId;
  readonly name: string;
  readonly type: PropertyType;
  readonly annotations: readonly Annotation[];
  readonly embed: Embed | null;
}

export type Bound =
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number };

/** Rules name properties; `src` and `dst` may stand in unique and index of an edge. Property lists are sorted by bytes. */
export type Constraint =
  | { readonly kind: "unique"; readonly properties: readonly string[] }
  | { readonly kind: "index"; readonly properties: readonly string[] }
  | {
      readonly kind: "range";
      readonly property: string;
      readonly min: Bound | null;
      readonly max: Bound | null;
    }
  | { readonly kind: "check"; readonly property: string; readonly pattern: string };

export interface NodeType {
  readonly kind: "node";
  readonly id: StableId;
  readonly name: string;
  /** Effective properties (interfaces' included), by name in byte order. */
  readonly properties: readonly Property[];
  /** Key properties in the order of their stable ids, which is the order of a composite id; null without @key. */
  readonly key: readonly Property[] | null;
  /** Names of the key properties as the rule lists them, for messages; null without @key. */
  readonly keyAsDeclared: readonly string[] | null;
  readonly constraints: readonly Constraint[];
  readonly implements: readonly string[];
  readonly annotations: readonly Annotation[];
}

export interface EdgeType {
  readonly kind: "edge";
  readonly id: StableId;
  readonly name: string;
  readonly properties: readonly Property[];
  readonly source: NodeType;
  readonly target: NodeType;
  /** Edges per source node; `max` null for no limit. */
  readonly cardinality: { readonly min: number; readonly max: number | null };
  readonly constraints: readonly Constraint[];
  readonly annotations: readonly Annotation[];
}

export type EntityType = NodeType | EdgeType;

export interface InterfaceType {
  readonly id: StableId;
  readonly name: string;
  readonly properties: readonly Property[];
}

/** The checked schema of a graph at some commit; its maps go by name in byte order. Lookups by name are exact but for edges in traversals and loads. */
export interface Catalog {
  /** Lower-case hex SHA-256 of `source`. */
  readonly digest: string;
  /** The accepted text, byte for byte. */
  readonly source: string;
  readonly nodes: ReadonlyMap<string, NodeType>;
  readonly edges: ReadonlyMap<string, EdgeType>;
  /** By lower-case name, which is unique too; `findEdge` looks here second. */
  readonly edgesByFoldedName: ReadonlyMap<string, EdgeType>;
  readonly interfaces: ReadonlyMap<string, InterfaceType>;
  readonly typeById: ReadonlyMap<StableId, EntityType>;
  /** The next stable id to hand out. */
  readonly nextId: StableId;
  /** Types and properties that hard drops took, ever: no values of theirs are read any more, at whatever commit. */
  readonly purged: ReadonlySet<StableId>;
}
