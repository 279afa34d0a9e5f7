// What is wrong with a batch, as far as one pass over it tells, and which of it is reported: the order is fixed, so that
// the same batch always gets the same answer (spec 03 §8.3, 01 §10).

import { OmnigraphError } from "../../lib/errors.ts";
import { compareUtf8 } from "../../lib/utf8.ts";
import type { EntityType } from "../../schema/catalog.ts";

/** What a record is held against, in the order in which failures are reported. */
const STAGES = ["record", "value", "uniqueness"] as const;
export type Stage = (typeof STAGES)[number];

/** Which record of the input. */
export interface RecordPlace {
  readonly unit: "line" | "record";
  readonly number: number;
}

/** The error with its record named. */
export function withPlace(
  { kind, message, details }: OmnigraphError,
  { unit, number }: RecordPlace,
  type: EntityType,
): OmnigraphError {
  const known = unit === "line" ? { load_error: { line: number, type_name: type.name } } : {};
  return new OmnigraphError(kind, `${unit} ${number}: ${message}`, { ...details, ...known });
}

interface Failure {
  readonly stage: number;
  readonly error: OmnigraphError;
}

export class Failures {
  /** Of each type the failure of the earliest stage, and of that the first. */
  private readonly byType = new Map<EntityType, Failure>();

  /** True where nothing that this stage may find in the type would be reported any more. */
  isSettled(type: EntityType, stage: Stage): boolean {
    const known = this.byType.get(type);
    return known !== undefined && known.stage <= STAGES.indexOf(stage);
  }

  /** Notes what was thrown for a record. Bugs are thrown on. */
  note(type: EntityType, stage: Stage, place: RecordPlace, thrown: unknown): void {
    if (!(thrown instanceof OmnigraphError)) throw thrown;
    if (this.isSettled(type, stage)) return;
    this.byType.set(type, { stage: STAGES.indexOf(stage), error: withPlace(thrown, place, type) });
  }

  /** Throws what is to be reported: the earliest stage, nodes before edges, each by name. */
  throwFirst(): void {
    const sorted = [...this.byType].sort(([a, ours], [b, theirs]) => {
      return ours.stage - theirs.stage || kindRank(a) - kindRank(b) || compareUtf8(a.name, b.name);
    });
    if (sorted.length > 0) throw sorted[0][1].error;
  }
}

const kindRank = (type: EntityType) => (type.kind === "node" ? 0 : 1);
