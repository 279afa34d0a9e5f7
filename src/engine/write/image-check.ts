// Holds a write against the rules that look beyond one row: uniqueness, endpoints, cardinality, kept edges of removed
// nodes (spec 03 §6.5). It is told what the write adds and removes, and judges the final image: committed state plus the
// write. Loads, mutations and merges share it; what they relied on ends up in the read set.

import type { View } from "../../index/view.ts";
import type { MergeConflict } from "../../lib/errors.ts";
import { TextMap } from "../../lib/text-map.ts";
import { slicesOf, TextSet } from "../../lib/text-set.ts";
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
import { type EdgeEnd, NeededEnds, type Wanted } from "./needed-ends.ts";
import type { ReadSetBuilder } from "./reads.ts";
import { SourceCounts } from "./source-counts.ts";

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
    private readonly wanted: Wanted = "the first violation",
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
      for (const slice of slicesOf(tuples)) {
        const unsure = slice.filter((tuple) => !rule.kept.has(tuple));
        if (unsure.length > 0) await this.checkHolders(type, rule, unsure);
      }
    }
  }

  private async checkHolders(type: EntityType, rule: UniqueRule, tuples: readonly string[]): Promise<void> {
    const committed = await this.view.uniqueHolders(type, rule.properties, tuples);
    for (const [tuple, ids] of committed) {
      const claimant = rule.holders.get(tuple);
      const holder = ids.find((id) => id !== claimant && !this.rewrites(type, id));
      if (claimant !== undefined && holder !== undefined) this.reportUnique(rule, tuple, holder, claimant);
    }
  }

  /** Does the write remove or rewrite this committed entity? */
  private rewrites(type: EntityType, id: string): boolean {
    return this.adds(type, id) || (this.removed.get(type.id)?.has(id) ?? false);
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

  private need(end: EdgeEnd, type: NodeType, node: string, edgeId: string): void {
    if (this.adds(type, node)) return;
    made(this.needed, type.id, () => new NeededEnds(this.wanted)).note(node, end, edgeId);
  }

  private async checkEndpoints(): Promise<void> {
    for (const [typeId, wanted] of this.needed) {
      const type = this.catalog.typeById.get(typeId) as NodeType;
      const unsure = without(wanted.ids, this.addedIds(type));
      this.reads.lookedUp(typeId, unsure);
      for (const ids of slicesOf(unsure)) await this.checkExist(type, ids, wanted);
    }
  }

  private async checkExist(type: NodeType, ids: readonly string[], wanted: NeededEnds): Promise<void> {
    const exist = this.replaced.has(type.id) ? [] : await this.view.nodesExist(type, ids);
    const removed = this.removed.get(type.id);
    ids.forEach((id, i) => {
      if (exist[i] && !removed?.has(id)) return;
      for (const { edge, side, edgeId } of wanted.edgesAt(id)) {
        this.onViolation({
          type: edge,
          entityId: edgeId,
          kind: "orphan_edge",
          message: `${side} '${id}' not found in ${type.name}`,
          hasPart: (row) => row[side] === id,
        });
      }
    });
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
    if (this.replaced.has(type.id)) {
      // That there is no edge is something to rely on too.
      this.reads.scanned(edge.id);
      if ((await this.view.count(edge)) === 0) return [];
      await this.view.load([edge, edge.source, edge.target]);
      const reader = this.view.edges(edge);
      const rows: Row[] = [];
      for (const number of reader.all()) {
        const row = reader.row(number) as EdgeRow;
        if (!this.adds(type, row[side])) rows.push(row);
      }
      return rows;
    }
    const removed = [...(this.removed.get(type.id) ?? [])].filter((id) => !this.adds(type, id));
    if (removed.length === 0) return [];
    this.reads.counted(edge.id, removed);
    return side === "src" ? this.view.lookupEdgesFrom(edge, removed) : this.view.lookupEdgesTo(edge, removed);
  }

  private countsOf(type: EdgeType): SourceCounts {
    return made(this.counts, type.id, () => new SourceCounts());
  }

  private async checkCardinality(type: EdgeType): Promise<void> {
    if (this.replaced.has(type.id) && type.cardinality.min > 0) await this.touchReplacedSources(type);
    const counts = this.counts.get(type.id);
    if (counts === undefined) return;
    this.reads.counted(type.id, counts.sources);
    for (const slice of slicesOf(counts.sources)) {
      const sources = slice.filter((id) => !this.isRemovedNode(type.source, id));
      const kept = this.replaced.has(type.id) ? null : await this.keptAt(type, sources);
      for (const source of sources) {
        this.judgeCount(type, source, (kept?.get(source)?.size ?? 0) + counts.addedAt(source));
      }
    }
  }

  /** The ids of the committed edges at sources that the write does not rewrite: one that it does counts where it ends up. */
  private async keptAt(type: EdgeType, sources: readonly string[]): Promise<Map<string, Set<string>>> {
    const kept = new Map<string, Set<string>>();
    for (const row of await this.view.lookupEdgesFrom(type, sources)) {
      const { src, id } = row as EdgeRow;
      if (!this.rewrites(type, id)) made(kept, src, () => new Set()).add(id);
    }
    return kept;
  }

  private judgeCount(type: EdgeType, source: string, edges: number): void {
    const { min, max } = type.cardinality;
    const limit = max !== null && edges > max ? `max ${max}` : edges < min ? `min ${min}` : null;
    if (limit === null) return;
    this.onViolation({
      type,
      entityId: null,
      kind: "cardinality_violation",
      message: `@card violation on edge ${type.name}: source '${source}' has ${edges} edges (${limit})`,
      hasPart: (row) => row.src === source,
    });
  }

  /** Nodes whose committed edges all go may be left with too few. */
  private async touchReplacedSources(type: EdgeType): Promise<void> {
    if ((await this.view.count(type)) === 0) return;
    await this.view.load([type, type.source, type.target]);
    const edges = this.view.edges(type);
    for (const edge of edges.all()) this.countsOf(type).touch((edges.row(edge) as EdgeRow).src);
  }

  private isRemovedNode(type: NodeType, id: string): boolean {
    return (
      !this.adds(type, id) && (this.replaced.has(type.id) || (this.removed.get(type.id)?.has(id) ?? false))
    );
  }
}

/** An edge's row: its end points are there. */
export type EdgeRow = Row & { readonly src: string; readonly dst: string };

function isLimited(type: EdgeType): boolean {
  return type.cardinality.min > 0 || type.cardinality.max !== null;
}

const endsOf = (edge: EdgeType) => ({ src: { edge, side: "src" }, dst: { edge, side: "dst" } }) as const;

/** What a map has under a key, made where it has nothing yet. */
function made<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** The ids that are not among others; those themselves where there are no others. */
function without(ids: TextSet, others: TextSet | null): TextSet {
  if (others === null) return ids;
  const rest = new TextSet();
  for (const id of ids) if (!others.has(id)) rest.add(id);
  return rest;
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
