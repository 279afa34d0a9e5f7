// Which changes a caller wants. Order and repetition do not matter, and naming every value of a dimension is the same as
// naming none, so equal wishes have equal digests.

import { sha256Hex } from "../../lib/digest.ts";
import { badRequest } from "../../lib/errors.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { EntityType } from "../../schema/catalog.ts";
import type { ChangeFilters } from "../graph.ts";
import type { ChangeOp } from "../outputs.ts";

const KINDS = ["node", "edge"] as const satisfies readonly EntityType["kind"][];
const OPS = ["insert", "update", "delete"] as const satisfies readonly ChangeOp[];

export interface ChangeFilter {
  /** Each dimension: the values that are wanted, or null for all. */
  readonly kinds: ReadonlySet<string> | null;
  readonly types: ReadonlySet<string> | null;
  readonly ops: ReadonlySet<string> | null;
  /** Equal for filters that want the same; stands in tokens. */
  readonly digest: string;
}

/** Throws 400 for a kind or an operation that does not exist. A type that does not exist matches nothing. */
export function changeFilter({ kinds, types, ops }: ChangeFilters): ChangeFilter {
  const wanted = {
    kinds: someOf("kind", kinds, KINDS),
    types: distinct(types),
    ops: someOf("op", ops, OPS),
  };
  const digest = sha256Hex(JSON.stringify([wanted.kinds, wanted.types, wanted.ops]));
  const setOf = (values: readonly string[] | null) => (values === null ? null : new Set(values));
  return { kinds: setOf(wanted.kinds), types: setOf(wanted.types), ops: setOf(wanted.ops), digest };
}

/** Whether changes of a type may be wanted at all. */
export function wantsType({ kinds, types }: ChangeFilter, type: EntityType): boolean {
  return (kinds === null || kinds.has(type.kind)) && (types === null || types.has(type.name));
}

function someOf(
  name: string,
  given: readonly string[] | undefined,
  all: readonly string[],
): readonly string[] | null {
  const wanted = distinct(given);
  const unknown = wanted?.find((value) => !all.includes(value));
  if (unknown !== undefined) {
    throw badRequest(`unknown ${name} '${unknown}'; it is one of ${all.join(", ")}`);
  }
  return wanted !== null && wanted.length === all.length ? null : wanted;
}

function distinct(given: readonly string[] | undefined): readonly string[] | null {
  return given === undefined || given.length === 0 ? null : [...new Set(given)].sort(compareUtf8);
}
