// Names of objects: which are allowed, and how they join to roots. The same for every adapter, so that what is
// written to a directory can be copied to a bucket and back.

import { badRequest } from "../lib/errors.ts";
import { encodeUtf8 } from "../lib/utf8.ts";
import { KEY_BYTES_MAX } from "./limits.ts";

/** Begins the file names that the file adapter keeps for itself. */
export const TEMPORARY_PREFIX = ".omnigraph-";

const EMPTY_OR_DOTS = /(?:^|\/)\.{0,2}(?:\/|$)/;
const DOTS = /(?:^|\/)\.{1,2}(?:\/|$)/;
const RESERVED = /(?:^|\/)\.omnigraph-/;
const KEY_UNITS_SURELY_SHORT = KEY_BYTES_MAX / 4;

/** Refuses a key that some store could not hold under exactly this name. */
export function checkKey(key: string): void {
  if (EMPTY_OR_DOTS.test(key)) throw invalid(key, "empty, '.' and '..' components are not allowed");
  checkCharacters(key);
}

/** As checkKey for a listing's prefix: it may be empty and may end anywhere. */
export function checkPrefix(prefix: string): void {
  if (prefix.startsWith("/") || prefix.includes("//") || DOTS.test(prefix)) {
    throw invalid(prefix, "empty, '.' and '..' components are not allowed");
  }
  checkCharacters(prefix);
}

function checkCharacters(key: string): void {
  if (key.includes("\0")) throw invalid(key, "NUL is not allowed");
  if (RESERVED.test(key)) throw invalid(key, `names that begin with '${TEMPORARY_PREFIX}' are reserved`);
  if (key.length > KEY_UNITS_SURELY_SHORT && encodeUtf8(key).length > KEY_BYTES_MAX) {
    throw badRequest(`storage key of more than ${KEY_BYTES_MAX} bytes: '${key.slice(0, 64)}…'`);
  }
}

function invalid(key: string, reason: string) {
  return badRequest(`invalid storage key '${key}': ${reason}`);
}

/** The key or prefix below `root`; an empty root is the top. */
export const joinKey = (root: string, key: string): string => (root === "" ? key : `${root}/${key}`);

/** A prefix as `under` takes it, without the slash that it may end in. */
export function checkRoot(prefix: string): string {
  const root = prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
  checkKey(root);
  return root;
}
