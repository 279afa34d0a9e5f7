// Durations as people type them: digits and at most one unit.

import { badRequest } from "../lib/errors.ts";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Seconds of `90`, `90s`, `2m`, `7d` or `1w`; anything else is refused. */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (trimmed === "") throw badRequest("duration is empty; write it like 90s, 2m, 7d or 1w");
  const match = /^(\d+)([^\d\s.]*)$/.exec(trimmed);
  if (match === null) throw badRequest(`invalid duration '${trimmed}'; write it like 90s, 2m, 7d or 1w`);
  const [, digits, unit] = match;
  const factor = unit === "" ? 1 : SECONDS[unit];
  if (factor === undefined) {
    throw badRequest(`unknown duration unit '${unit}'; known are ${Object.keys(SECONDS).join(", ")}`);
  }
  const seconds = Number(digits) * factor;
  if (!Number.isSafeInteger(seconds)) throw badRequest(`invalid duration '${trimmed}': it does not fit`);
  return seconds;
}
