// Microseconds since the epoch as RFC 3339 text: what an object says can be read by eye.

import type { StoredValue } from "./stored-json.ts";

const TEXT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(\d{3})Z$/;

/** `2026-01-01T00:00:00.123456Z` */
export function instantText(micros: number): string {
  const ms = Math.floor(micros / 1000);
  const rest = String(micros - ms * 1000).padStart(3, "0");
  return `${new Date(ms).toISOString().slice(0, -1)}${rest}Z`;
}

export function readInstant(stored: StoredValue): number {
  const match = TEXT.exec(stored.string());
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}Z`);
  return match === null || Number.isNaN(ms) ? stored.fail("an instant") : ms * 1000 + Number(match[2]);
}
