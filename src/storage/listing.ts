// Pages of a listing, from entries that come in the byte order of their keys.

import { assert } from "../lib/assert.ts";
import type { ListOptions, ListPage, ObjectInfo } from "./adapter.ts";
import { LIST_PAGE_ENTRIES_MAX } from "./limits.ts";

export type ListEntry =
  | { readonly kind: "object"; readonly object: ObjectInfo }
  | { readonly kind: "prefix"; readonly prefix: string };

/** Sorts after every key that starts with the prefix it is put behind. */
const LAST_CHARACTER = "\u{10FFFF}";

/** Where a listing goes on after this entry: behind the key, or behind everything below the prefix. */
export function nextAfter(entry: ListEntry): string {
  return entry.kind === "object" ? entry.object.key : entry.prefix + LAST_CHARACTER;
}

export function pageSizeOf(options: ListOptions): number {
  const size = options.pageSize ?? LIST_PAGE_ENTRIES_MAX;
  assert(Number.isInteger(size) && size >= 1 && size <= LIST_PAGE_ENTRIES_MAX, "1 <= pageSize <= 1000");
  return size;
}

/** Takes one page's worth of entries and asks for one more, to know whether there is a next page. */
export async function fillPage(entries: AsyncIterable<ListEntry>, options: ListOptions): Promise<ListPage> {
  const pageSize = pageSizeOf(options);
  const objects: ObjectInfo[] = [];
  const prefixes: string[] = [];
  let last: ListEntry | null = null;
  for await (const entry of entries) {
    if (last !== null && objects.length + prefixes.length === pageSize) {
      return { objects, prefixes, next: nextAfter(last) };
    }
    if (entry.kind === "object") objects.push(entry.object);
    else prefixes.push(entry.prefix);
    last = entry;
  }
  return { objects, prefixes, next: null };
}
