// Dates are days and datetimes are milliseconds since 1970-01-01T00:00:00Z, in UTC; both proleptic Gregorian.

const MS_PER_DAY = 86_400_000;
/** The years 0000 to 9999: the four digits that a text has, and all that is read back. (`Date.UTC(0)` is 1900.) */
const PRINTABLE_MS_MIN = Date.UTC(-1, 12);
const PRINTABLE_MS_MAX = Date.UTC(9999, 12) - 1;

const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})$/;
const COMPACT_DATE = /^(\d{4})(\d{2})(\d{2})$/;
const DATE_TIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:([Zz])|([+-])(\d{2}):?(\d{2}))?$/;

function daysOf(year: string, month: string, day: string): number | null {
  const y = Number(year);
  const m = Number(month);
  const d = Number(day);
  const date = new Date(0);
  date.setUTCFullYear(y, m - 1, d);
  const exists = date.getUTCFullYear() === y && date.getUTCMonth() === m - 1 && date.getUTCDate() === d;
  return exists ? date.getTime() / MS_PER_DAY : null;
}

/** Days since the epoch, or null for a text that is no date: `YYYY-M-D`, `YYYYMMDD`, or a full timestamp's UTC date. */
export function parseDate(text: string): number | null {
  const plain = DATE.exec(text) ?? COMPACT_DATE.exec(text);
  if (plain !== null) return daysOf(plain[1], plain[2], plain[3]);
  const ms = parseDateTime(text);
  return ms === null ? null : Math.floor(ms / MS_PER_DAY);
}

/** Milliseconds since the epoch, or null: RFC 3339 (`T` or a space, zone optional and then UTC), or a bare date. */
export function parseDateTime(text: string): number | null {
  const match = DATE_TIME.exec(text);
  if (match === null) {
    const plain = DATE.exec(text) ?? COMPACT_DATE.exec(text);
    if (plain === null) return null;
    const days = daysOf(plain[1], plain[2], plain[3]);
    return days === null ? null : days * MS_PER_DAY;
  }
  const days = daysOf(match[1], match[2], match[3]);
  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6]);
  if (days === null || hour > 23 || minute > 59 || second > 59) return null;
  const fraction = match[7] === undefined ? 0 : Number(match[7].slice(0, 3).padEnd(3, "0"));
  let offsetMinutes = 0;
  if (match[9] !== undefined) {
    const offsetHour = Number(match[10]);
    const offsetMinute = Number(match[11]);
    if (offsetHour > 23 || offsetMinute > 59) return null;
    offsetMinutes = (match[9] === "-" ? -1 : 1) * (offsetHour * 60 + offsetMinute);
  }
  return days * MS_PER_DAY + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000 + fraction;
}

/** `YYYY-MM-DD`, or the number itself where no calendar prints it. */
export function formatDate(days: number): string | number {
  const ms = days * MS_PER_DAY;
  const text = formatDateTime(ms);
  return typeof text === "string" ? text.slice(0, -"THH:MM:SS.mmmZ".length) : days;
}

/** `YYYY-MM-DDTHH:MM:SS.mmmZ`, or the number itself where no calendar prints it. */
export function formatDateTime(ms: number): string | number {
  return ms >= PRINTABLE_MS_MIN && ms <= PRINTABLE_MS_MAX ? new Date(ms).toISOString() : ms;
}
