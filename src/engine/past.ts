// A state as reads see it: what names mean there, and what of it can be read (spec 03 §5, 01 §12.5).

import { badRequest, OmnigraphError } from "../lib/errors.ts";
import type { Catalog, EntityType, Property } from "../schema/catalog.ts";
import { namesAtSnapshot } from "../schema/index.ts";
import type { PastState } from "../store/index.ts";
import type { BranchState } from "../store/types.ts";

export interface SeenState {
  readonly state: BranchState;
  /** By which names are resolved; may hold more than the state does. */
  readonly names: Catalog;
  /** Throws 400 for a type that the state does not have, 410 for one whose values a hard drop took. */
  requireType(type: EntityType): void;
  /** Throws 410 for a property whose values a hard drop took. */
  requireProperty(owner: EntityType, property: Property): void;
}

/** The head of a branch: everything that has a name can be read. */
export function seenHead(state: BranchState): SeenState {
  return { state, names: state.catalog, requireType: () => {}, requireProperty: () => {} };
}

const names = new WeakMap<Catalog, WeakMap<Catalog, Catalog>>();

/** A commit, in the light of the schema that its branch has now. */
export function seenCommit({ state, accepted, head }: PastState): SeenState {
  if (state.head.schemaDigest === head.head.schemaDigest) return seenHead(state);
  const { purged } = head.catalog;
  const reclaimed = (what: string) =>
    new OmnigraphError(
      "gone",
      `${what} was dropped with its data: its values at commit '${state.head.id}' were reclaimed`,
    );
  return {
    state,
    names: namesOf(accepted, head.catalog),
    requireType: (type) => {
      const parts = type.kind === "edge" ? [type, type.source, type.target] : [type];
      for (const part of parts) {
        if (!accepted.typeById.has(part.id)) {
          throw badRequest(`${part.kind} type '${part.name}' does not exist at this snapshot`);
        }
        if (purged.has(part.id)) throw reclaimed(`${part.kind} type '${part.name}'`);
      }
    },
    requireProperty: (owner, property) => {
      if (purged.has(property.id)) throw reclaimed(`property '${owner.name}.${property.name}'`);
    },
  };
}

function namesOf(past: Catalog, current: Catalog): Catalog {
  let seen = names.get(past);
  if (seen === undefined) {
    seen = new WeakMap();
    names.set(past, seen);
  }
  let catalog = seen.get(current);
  if (catalog === undefined) {
    catalog = namesAtSnapshot(past, current);
    seen.set(current, catalog);
  }
  return catalog;
}
