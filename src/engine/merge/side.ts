// One side of a merge: what its commits made of the entities that they name. An entity that they do not name is what it
// was in the base, so only the base has to be looked up.

import type { View } from "../../index/view.ts";
import type { Catalog, EntityType, StableId } from "../../schema/catalog.ts";
import type { SegmentReader } from "../../store/index.ts";
import type { DeletedEdge, LoggedCommit, Row, TypeChanges } from "../../store/types.ts";
import { addedRows } from "../added-rows.ts";
import type { EdgeRow } from "../write/image-check.ts";

/** The commits by which a side and the base differ: those of each first-parent chain since the history that both share. */
export interface Apart {
  readonly ofSide: readonly LoggedCommit[];
  /** None where the side descends from the base directly. */
  readonly ofBase: readonly LoggedCommit[];
}

/** What is named, of a type, by the commits by which a side and the base differ: nothing else can differ. */
export interface SideChanges {
  /** A commit emptied the type: what is not named since is not there. */
  readonly replaced: boolean;
  /** A commit of the base's chain did: what the base does not have may be there. */
  readonly isBaseReplaced: boolean;
  /** Where the side follows the base, the newest row of each entity that is named, null where it was deleted; else only ids count. */
  readonly rows: ReadonlyMap<string, Row | null>;
  /** The places that edges had or got: an edge may have moved. */
  readonly places: readonly DeletedEdge[];
}

const UNTOUCHED: SideChanges = { replaced: false, isBaseReplaced: false, rows: new Map(), places: [] };

export class Side {
  private constructor(
    readonly view: View,
    /** Whether the commits follow the base: then they and the base tell every row of this side. */
    readonly followsBase: boolean,
    private readonly changes: ReadonlyMap<StableId, SideChanges>,
  ) {}

  static async read(reader: SegmentReader, base: View, view: View, { ofSide, ofBase }: Apart): Promise<Side> {
    const before = ofSide.length === 0 ? view.state.head.id : ofSide[0].record.parent;
    const changes = await changesByType(reader, view.catalog, ofSide);
    if (ofBase.length > 0) {
      for (const [type, named] of await changesByType(reader, view.catalog, ofBase))
        changes.set(type, together(changes.get(type) ?? UNTOUCHED, named));
    }
    return new Side(view, before === base.state.head.id, changes);
  }

  changesOf(type: EntityType): SideChanges {
    return this.changes.get(type.id) ?? UNTOUCHED;
  }

  /** The rows of these entities, given those of the base. */
  async rows(
    type: EntityType,
    ids: readonly string[],
    inBase: readonly (Row | null)[],
    lookUp: (view: View) => Promise<readonly (Row | null)[]>,
  ): Promise<readonly (Row | null)[]> {
    return this.followsBase ? ids.map((id, i) => this.rowSince(type, id, inBase[i])) : lookUp(this.view);
  }

  private rowSince(type: EntityType, id: string, inBase: Row | null): Row | null {
    const { rows, replaced } = this.changesOf(type);
    const own = rows.get(id);
    if (own !== undefined) return own;
    return replaced ? null : inBase;
  }
}

function together(own: SideChanges, ofBase: SideChanges): SideChanges {
  return {
    replaced: own.replaced,
    isBaseReplaced: ofBase.replaced,
    rows: new Map([...ofBase.rows, ...own.rows]),
    places: [...own.places, ...ofBase.places],
  };
}

async function changesByType(
  reader: SegmentReader,
  catalog: Catalog,
  commits: readonly LoggedCommit[],
): Promise<Map<StableId, SideChanges>> {
  const byType = new Map<StableId, TypeChanges[]>();
  for (const change of commits.flatMap(({ changes }) => changes)) {
    const list = byType.get(change.type);
    if (list === undefined) byType.set(change.type, [change]);
    else list.push(change);
  }
  const sides = new Map<StableId, SideChanges>();
  for (const [id, changes] of byType) {
    const type = catalog.typeById.get(id);
    if (type !== undefined) sides.set(id, await changesOfType(reader, type, changes));
  }
  return sides;
}

async function changesOfType(
  reader: SegmentReader,
  type: EntityType,
  changes: readonly TypeChanges[],
): Promise<SideChanges> {
  const rows = new Map<string, Row | null>();
  const places: DeletedEdge[] = [];
  for (const change of changes) {
    // What was named before stays named: it is not there any more.
    if (change.replaced) for (const id of rows.keys()) rows.set(id, null);
    for (const id of change.deletedNodes) rows.set(id, null);
    for (const edge of change.deletedEdges) {
      rows.set(edge.id, null);
      places.push(edge);
    }
    for (const row of await addedRows(reader, type, change)) {
      rows.set(row.id, row);
      if (type.kind === "edge") places.push(row as EdgeRow);
    }
  }
  return { replaced: changes.some(({ replaced }) => replaced), isBaseReplaced: false, rows, places };
}
