// Ids of keyed nodes that a permissive load spelled in another way than the canonical one, so that edges of the same input
// which use that spelling are led to the node.

import { badRequest } from "../../lib/errors.ts";
import type { NodeType } from "../../schema/catalog.ts";

export class Respelled {
  private readonly byType = new Map<NodeType, Map<string, string>>();

  /** Notes that `spelling` stands for `id`. Throws when it stood for another node. */
  note(type: NodeType, spelling: string, id: string): void {
    let spellings = this.byType.get(type);
    if (spellings === undefined) {
      spellings = new Map();
      this.byType.set(type, spellings);
    }
    const other = spellings.get(spelling);
    if (other !== undefined && other !== id) throw ambiguous(type, spelling, other, id);
    spellings.set(spelling, id);
  }

  /** Throws where a spelling is also the canonical id of another node of the input. */
  refuseIds(type: NodeType, isId: (text: string) => boolean): void {
    for (const [spelling, id] of this.byType.get(type) ?? []) {
      if (isId(spelling)) throw ambiguous(type, spelling, spelling, id);
    }
  }

  /** The ids by their other spellings; null where there are none. */
  of(type: NodeType): ReadonlyMap<string, string> | null {
    return this.byType.get(type) ?? null;
  }
}

function ambiguous(type: NodeType, spelling: string, first: string, second: string): Error {
  return badRequest(
    `refusing ambiguous edge endpoint remap: '${spelling}' stands for both '${first}' and '${second}' of node ${type.name}`,
  );
}
