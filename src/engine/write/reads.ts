import type { StableId } from "../../schema/catalog.ts";
import type { ReadSet } from "../../store/types.ts";

/** Gathers what a write relies on while it is being prepared. */
export class ReadSetBuilder {
  private readonly types = new Set<StableId>();
  private readonly ids = new Map<StableId, Set<string>>();
  private readonly unique = new Map<string, Set<string>>();
  private readonly incident = new Map<StableId, Set<string>>();

  scanned(type: StableId): void {
    this.types.add(type);
  }

  lookedUp(type: StableId, ids: Iterable<string>): void {
    addAll(this.ids, type, ids);
  }

  claimed(constraint: string, tuples: Iterable<string>): void {
    addAll(this.unique, constraint, tuples);
  }

  /** Relied on the edges of this type at these nodes. */
  counted(edgeType: StableId, nodes: Iterable<string>): void {
    addAll(this.incident, edgeType, nodes);
  }

  build(): ReadSet {
    return { types: this.types, ids: this.ids, unique: this.unique, incident: this.incident };
  }
}

function addAll<K>(into: Map<K, Set<string>>, key: K, values: Iterable<string>): void {
  const set = into.get(key);
  if (set === undefined) into.set(key, new Set(values));
  else for (const value of values) set.add(value);
}
