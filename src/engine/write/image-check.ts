// Holds a write against the rules that look beyond one row: uniqueness, endpoints, cardinality, kept edges of removed
// nodes (spec 03 §6.5). It is told what the write adds and removes, and judges the final image: committed state plus the
// write. Loads, mutations and merges share it; what they relied on ends up in the read set.

import type { View } from "../../index/view.ts";
import type { MergeConflict } from "../../lib/errors.ts";
import type { Value } from "../../query/plan.ts";
import type {
  Catalog,
  EdgeType,
  EntityType,
  NodeType,
  PropertyType,
  StableId,
} from "../../schema/catalog.ts";
import { canonicalKeyText, type KeyValue, tupleReader } from "../../schema/index.ts";
import { uniqueKey } from "../../store/index.ts";
import type { DeletedEdge, Row } from "../../store/types.ts";
import type { ReadSetBuilder } from "./reads.ts";

export interface Violation {
  readonly type: EntityType;
  readonly entityId: string | null;
  readonly kind: MergeConflict["kind"];
  readonly message: string;
  /** Tells the rows of the type that the write adds and that have a part in it; null where it is about what goes. */
  readonly hasPart: ((row: Row) => boolean) | null;
}

/** What the check asks of the committed state. */
export type Committed = Pick<
  View,
  "nodesExist" | "uniqueHolders" | "lookupEdgesFrom" | "lookupEdgesTo" | "count" | "load" | "edges"
>;

/** Told of each violation in the fixed order; a write throws at the first, a merge gathers them. */
export type OnViolation = (violation: Violation) => void;

interface UniqueRule {
  readonly type: EntityType;
  readonly properties: readonly string[];
  readonly tupleOf: (row: Row) => string | null;
  /** The id of who claims each tuple. */
  holders: TextMap;
  /** Tuples whose holder holds them in the committed state already, so that nobody else there can. */
  readonly kept: Set<string>;
}

const STRING_TYPE: PropertyType = { scalar: "String", list: false, nullable: false, enumValues: null };

export class ImageCheck {
  private readonly added = new Map<StableId, TextSet>();
  private readonly removed = new Map<StableId, TextSet>();
  private readonly replaced = new Set<StableId>();
  private readonly rules = new Map<StableId, UniqueRule[]>();
  /** Per node type. */
  private readonly needed = new Map<StableId, NeededEnds>();
  private readonly ends = new Map<StableId, { readonly src: EdgeEnd; readonly dst: EdgeEnd }>();
  /** Per limited edge type. */
  private readonly counts = new Map<StableId, SourceCounts>();

  constructor(
    private readonly catalog: Catalog,
    private readonly view: Committed,
    private readonly reads: ReadSetBuilder,
    private readonly onViolation: OnViolation,
  ) {}

  /** The type's committed content goes away as a whole before what is added. */
  replaceType(type: EntityType): void {
    this.replaced.add(type.id);
    this.reads.scanned(type.id);
  }

  /**
   * `isFresh` where the id was made for this write: nothing committed has it, and nothing else can name it. `committed`: the
   * row that it replaces, where that was looked up.
   */
  addNode(type: NodeType, row: Row, isFresh = false, committed: Row | null = null): void {
    if (!isFresh) made(this.added, type.id, () => new TextSet()).add(row.id);
    this.claim(type, row, committed);
  }

  /** True for an entity that the write adds under an id that was not made for it. */
  adds(type: EntityType, id: string): boolean {
    return this.added.get(type.id)?.has(id) ?? false;
  }

  /** The ids of those; null for none. */
  addedIds(type: EntityType): TextSet | null {
    return this.added.get(type.id) ?? null;
  }

  removeNode(type: NodeType, id: string): void {
    made(this.removed, type.id, () => new TextSet()).add(id);
  }

  /** `isFresh` as for nodes. */
  addEdge(type: EdgeType, row: Row, isFresh = false): void {
    const { src, dst } = row as EdgeRow;
    if (!isFresh) made(this.added, type.id, () => new TextSet()).add(row.id);
    const ends = made(this.ends, type.id, () => endsOf(type));
    this.need(ends.src, type.source, src, row.id);
    this.need(ends.dst, type.target, dst, row.id);
    if (isLimited(type)) this.countsOf(type).add(src);
    this.claim(type, row);
  }

  removeEdge(type: EdgeType, edge: DeletedEdge): void {
    made(this.removed, type.id, () => new TextSet()).add(edge.id);
    if (isLimited(type)) this.countsOf(type).touch(edge.src);
  }

  /** Judges everything told so far: unique rules, then endpoints, then cardinality. */
  async finish(): Promise<void> {
    for (const type of byName(this.catalog)) await this.checkUnique(type);
    await this.checkEndpoints();
    await this.checkKeptEdges();
    for (const type of this.catalog.edges.values()) await this.checkCardinality(type);
  }

  /** What a row of the input claims, whether it lasts or not: two rows with one tuple collide, even those of one id. */
  claimLine(type: EntityType, row: Row): void {
    for (const rule of this.rulesOf(type)) {
      const tuple = rule.tupleOf(row);
      const holder = tuple === null ? undefined : rule.holders.get(tuple);
      if (tuple !== null && holder !== undefined) this.reportUnique(rule, tuple, holder, row.id);
    }
    this.claim(type, row);
  }

  /** Lets go of what rows of a type claimed and counted, before those that last are told. */
  forgetClaims(type: EntityType): void {
    for (const rule of this.rulesOf(type)) {
      rule.holders = new TextMap();
      rule.kept.clear();
    }
    this.counts.get(type.id)?.forgetAdded();
  }

  private claim(type: EntityType, row: Row, committed: Row | null = null): void {
    for (const rule of this.rulesOf(type)) {
      const tuple = rule.tupleOf(row);
      if (tuple === null) continue;
      if (committed !== null && rule.tupleOf(committed) === tuple) rule.kept.add(tuple);
      const holder = rule.holders.get(tuple);
      if (holder !== undefined && holder !== row.id) this.reportUnique(rule, tuple, holder, row.id);
      rule.holders.set(tuple, row.id);
    }
  }

  private rulesOf(type: EntityType): UniqueRule[] {
    const known = this.rules.get(type.id);
    if (known !== undefined) return known;
    const rules = type.constraints.flatMap((constraint) =>
      constraint.kind === "unique"
        ? [
            {
              type,
              properties: constraint.properties,
              tupleOf: rowTuple(type, constraint.properties),
              holders: new TextMap(),
              kept: new Set<string>(),
            },
          ]
        : [],
    );
    this.rules.set(type.id, rules);
    return rules;
  }

  private async checkUnique(type: EntityType): Promise<void> {
    for (const rule of this.rules.get(type.id) ?? []) {
      const { keys: tuples } = rule.holders;
      if (tuples.size === 0) continue;
      this.reads.claimed(uniqueKey(type, rule.properties), tuples);
      if (this.replaced.has(type.id)) continue;
      const unsure = tuples.filter((tuple) => !rule.kept.has(tuple));
      if (unsure.length === 0) continue;
      const committed = await this.view.uniqueHolders(type, rule.properties, unsure);
      for (const [tuple, ids] of committed) {
        const claimant = rule.holders.get(tuple);
        const holder = ids.find((id) => id !== claimant && !this.rewrites(type, id));
        if (claimant !== undefined && holder !== undefined) this.reportUnique(rule, tuple, holder, claimant);
      }
    }
  }

  /** Does the write remove or rewrite this committed entity? */
  private rewrites(type: EntityType, id: string): boolean {
    const [added, removed] =
      type.kind === "node" ? [this.addedNodes, this.removedNodes] : [this.addedEdges, this.removedEdges];
    return (added.get(type.id)?.has(id) ?? false) || (removed.get(type.id)?.has(id) ?? false);
  }

  private reportUnique(rule: UniqueRule, tuple: string, first: string, second: string): void {
    const texts = JSON.parse(tuple) as string[];
    const composite = rule.properties.length > 1;
    const columns = composite ? `(${rule.properties.join(", ")})` : rule.properties[0];
    const value = composite ? `(${texts.join(", ")})` : texts[0];
    const [a, b] = first < second ? [first, second] : [second, first];
    this.onViolation({
      type: rule.type,
      entityId: b,
      kind: "unique_violation",
      message: `@unique violation on ${rule.type.name}.${columns}: value '${value}' held by '${a}' and '${b}'`,
      hasPart: (row) => rule.tupleOf(row) === tuple,
    });
  }

  private need(edge: EdgeType, side: "src" | "dst", node: string, id: string): void {
    const type = side === "src" ? edge.source : edge.target;
    if (this.addsNode(type, node)) return;
    let ofType = this.needed.get(type.id);
    if (ofType === undefined) {
      ofType = new Map();
      this.needed.set(type.id, ofType);
    }
    if (!ofType.has(node)) ofType.set(node, { edge, side, id });
  }

  private async checkEndpoints(): Promise<void> {
    for (const [typeId, wanted] of this.needed) {
      const type = this.catalog.typeById.get(typeId) as NodeType;
      const added = this.addedNodes.get(typeId);
      const removed = this.removedNodes.get(typeId);
      const unsure = [...wanted.keys()].filter((id) => added === undefined || !added.has(id));
      if (unsure.length === 0) continue;
      const replaced = this.replaced.has(typeId);
      const exist = replaced ? [] : await this.view.nodesExist(type, unsure);
      this.reads.lookedUp(typeId, unsure);
      unsure.forEach((id, i) => {
        if (exist[i] && !removed?.has(id)) return;
        const first = wanted.get(id);
        if (first === undefined) return;
        this.onViolation({
          type: first.edge,
          entityId: first.id,
          kind: "orphan_edge",
          message: `${first.side} '${id}' not found in ${type.name}`,
          hasPart: (row) => row[first.side] === id,
        });
      });
    }
  }

  /** Edges that stay although the write takes one of their ends away. */
  private async checkKeptEdges(): Promise<void> {
    for (const edge of this.catalog.edges.values()) {
      if (this.replaced.has(edge.id)) continue;
      for (const side of ["src", "dst"] as const) {
        const type = side === "src" ? edge.source : edge.target;
        for (const row of await this.edgesAtRemoved(edge, side, type)) {
          if (this.rewrites(edge, row.id)) continue;
          const node = side === "src" ? row.src : row.dst;
          this.onViolation({
            type: edge,
            entityId: row.id,
            kind: "orphan_edge",
            message: `${side} '${node}' not found in ${type.name}`,
            hasPart: null,
          });
        }
      }
    }
  }

  private async edgesAtRemoved(edge: EdgeType, side: "src" | "dst", type: NodeType): Promise<Row[]> {
    const added = this.addedNodes.get(type.id);
    if (this.replaced.has(type.id)) {
      // That there is no edge is something to rely on too.
      this.reads.scanned(edge.id);
      if ((await this.view.count(edge)) === 0) return [];
      await this.view.load([edge, edge.source, edge.target]);
      const reader = this.view.edges(edge);
      return [...reader.all()]
        .map((number) => reader.row(number))
        .filter((row) => !added?.has((side === "src" ? row.src : row.dst) as string));
    }
    const removed = [...(this.removedNodes.get(type.id) ?? [])].filter((id) => !added?.has(id));
    if (removed.length === 0) return [];
    this.reads.counted(edge.id, removed);
    return side === "src" ? this.view.lookupEdgesFrom(edge, removed) : this.view.lookupEdgesTo(edge, removed);
  }

  private addedAt(type: EdgeType, source: string): Set<string> {
    let ofType = this.counts.get(type.id);
    if (ofType === undefined) {
      ofType = new Map();
      this.counts.set(type.id, ofType);
    }
    return setOf(ofType, source);
  }

  private async checkCardinality(type: EdgeType): Promise<void> {
    if (this.replaced.has(type.id) && type.cardinality.min > 0) await this.touchReplacedSources(type);
    const touched = this.counts.get(type.id);
    if (touched === undefined) return;
    const sources = [...touched.keys()].filter((id) => !this.isRemovedNode(type.source, id));
    this.reads.counted(type.id, sources);
    const after = new Map<string, Set<string>>(sources.map((id) => [id, new Set()]));
    if (!this.replaced.has(type.id)) {
      for (const row of await this.view.lookupEdgesFrom(type, sources)) {
        const { src } = row as EdgeRow;
        // A committed edge that the write rewrites counts where it ends up.
        if (!this.rewrites(type, row.id)) after.get(src)?.add(row.id);
      }
    }
    const { min, max } = type.cardinality;
    for (const source of sources) {
      const ids = after.get(source) ?? new Set<string>();
      for (const id of touched.get(source) ?? []) ids.add(id);
      const limit = max !== null && ids.size > max ? `max ${max}` : ids.size < min ? `min ${min}` : null;
      if (limit === null) continue;
      this.onViolation({
        type,
        entityId: null,
        kind: "cardinality_violation",
        message: `@card violation on edge ${type.name}: source '${source}' has ${ids.size} edges (${limit})`,
        hasPart: (row) => row.src === source,
      });
    }
  }

  /** Nodes whose committed edges all go may be left with too few. */
  private async touchReplacedSources(type: EdgeType): Promise<void> {
    if ((await this.view.count(type)) === 0) return;
    await this.view.load([type, type.source, type.target]);
    const edges = this.view.edges(type);
    for (const edge of edges.all()) this.addedAt(type, (edges.row(edge) as EdgeRow).src);
  }

  private isRemovedNode(type: NodeType, id: string): boolean {
    const added = this.addedNodes.get(type.id)?.has(id) ?? false;
    return !added && (this.replaced.has(type.id) || (this.removedNodes.get(type.id)?.has(id) ?? false));
  }
}

/** An edge's row: its end points are there. */
export type EdgeRow = Row & { readonly src: string; readonly dst: string };

function isLimited(type: EdgeType): boolean {
  return type.cardinality.min > 0 || type.cardinality.max !== null;
}

function setOf<K>(map: Map<K, Set<string>>, key: K): Set<string> {
  let set = map.get(key);
  if (set === undefined) {
    set = new Set();
    map.set(key, set);
  }
  return set;
}

/** Nodes, then edges, each by name: the order in which violations are reported. */
function byName(catalog: Catalog): EntityType[] {
  const sorted = (types: Iterable<EntityType>) =>
    [...types].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return [...sorted(catalog.nodes.values()), ...sorted(catalog.edges.values())];
}

/** Reads the tuple of a unique constraint from rows of a type; null where a column is. */
export function rowTuple(type: EntityType, properties: readonly string[]): (row: Row) => string | null {
  const parts = properties.map((name): ((row: Row) => string | null) => {
    if (name === "src" || name === "dst") return (row) => row[name];
    const column = type.properties.findIndex((property) => property.name === name);
    const propertyType = type.properties[column]?.type ?? STRING_TYPE;
    return (row) => {
      const value: Value = row.values[column];
      return value === null ? null : canonicalKeyText(value as KeyValue, propertyType);
    };
  });
  return tupleReader(parts);
}
