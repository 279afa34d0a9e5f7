// One side of a merge: what its commits made of the entities that they name. An entity that they do not name is what it
// was in the base, so only the base has to be looked up.

import type { View } from "../../index/view.ts";
import type { Catalog, EntityType, StableId } from "../../schema/catalog.ts";
import type { SegmentReader } from "../../store/index.ts";
import type { DeletedEdge, LoggedCommit, Row, TypeChanges } from "../../store/types.ts";
import { addedRows } from "../added-rows.ts";
import type { EdgeRow } from "../write/image-check.ts";

/** What the commits of a side did to a type. */
export interface SideChanges {
  /** A commit emptied the type: what is not named since is not there. */
  readonly replaced: boolean;
  /** The newest row of each entity that is named; null where it was deleted. */
  readonly rows: ReadonlyMap<string, Row | null>;
  /** The places that edges had or got: an edge may have moved. */
  readonly places: readonly DeletedEdge[];
}

const UNTOUCHED: SideChanges = { replaced: false, rows: new Map(), places: [] };

export class Side {
  private constructor(
    readonly view: View,
    /** Whether the commits follow the base: then they and the base tell every row of this side. */
    readonly followsBase: boolean,
    private readonly changes: ReadonlyMap<StableId, SideChanges>,
  ) {}

  /** `commits` are those of the side's chain since the history that it shares with the base's. */
  static async read(
    reader: SegmentReader,
    base: View,
    view: View,
    commits: readonly LoggedCommit[],
  ): Promise<Side> {
    const before = commits.length === 0 ? view.state.head.id : commits[0].record.parent;
    const changes = await changesByType(reader, view.catalog, commits);
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
  return { replaced: changes.some(({ replaced }) => replaced), rows, places };
}
