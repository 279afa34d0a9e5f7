import { TextSet, type Texts, textsOfAll } from "../../lib/text-set.ts";
import type { StableId } from "../../schema/catalog.ts";
import type { ReadSet } from "../../store/types.ts";

/** Gathers what a write relies on while it is being prepared. */
export class ReadSetBuilder {
  private readonly types = new Set<StableId>();
  private readonly ids = new Gathered<StableId>();
  private readonly unique = new Gathered<string>();
  private readonly incident = new Gathered<StableId>();

  scanned(type: StableId): void {
    this.types.add(type);
  }

  lookedUp(type: StableId, ids: Iterable<string>): void {
    this.ids.add(type, ids);
  }

  claimed(constraint: string, tuples: Iterable<string>): void {
    this.unique.add(constraint, tuples);
  }

  /** Relied on the edges of this type at these nodes. */
  counted(edgeType: StableId, nodes: Iterable<string>): void {
    this.incident.add(edgeType, nodes);
  }

  build(): ReadSet {
    const [ids, unique, incident] = [this.ids.byKey(), this.unique.byKey(), this.incident.byKey()];
    return { types: this.types, ids, unique, incident };
  }
}

/** Texts by what they are about. */
class Gathered<K> {
  private readonly own = new Map<K, Set<string>>();
  /** Sets of texts are kept and not copied: a load has millions of them. */
  private readonly given = new Map<K, TextSet[]>();

  add(key: K, texts: Iterable<string>): void {
    if (texts instanceof TextSet) {
      this.given.set(key, [...(this.given.get(key) ?? []), texts]);
      return;
    }
    const own = this.own.get(key);
    if (own === undefined) this.own.set(key, new Set(texts));
    else for (const text of texts) own.add(text);
  }

  byKey(): Map<K, Texts> {
    const all = new Map<K, Texts>(this.own);
    for (const [key, texts] of this.given) {
      const own = this.own.get(key);
      all.set(key, textsOfAll(own === undefined ? texts : [own, ...texts]));
    }
    return all;
  }
}
