// The one rule for names of branches (spec 03 §4.1).

import { badRequest } from "../lib/errors.ts";
import { encodeUtf8 } from "../lib/utf8.ts";
import { BRANCH_NAME_BYTES_MAX } from "./limits.ts";

export const MAIN = "main";
const RESERVED = "__schema_apply_lock__";
const SEGMENT = /^[\p{L}\p{N}._-]+$/u;
const ALLOWED =
  "letters, digits, '.', '-' and '_', in parts joined by '/'; no '..', not '.' alone, no '.lock' at the end, " +
  "at most 512 bytes";
/** A URL drops it from its path, however it is encoded: over HTTP such a branch could not be deleted. */
const UNADDRESSABLE = ".";

/** Trims a name and checks it; answers the name that is used from here on. Throws `bad_request`. */
export function validateBranchName(input: string): string {
  const name = input.trim();
  if (name === "") throw badRequest("branch name cannot be empty");
  refuseSystemRef(name);
  const sound =
    encodeUtf8(name).length <= BRANCH_NAME_BYTES_MAX &&
    !name.includes("..") &&
    name !== UNADDRESSABLE &&
    !name.endsWith(".lock") &&
    name.split("/").every((part) => SEGMENT.test(part));
  if (!sound) throw badRequest(`invalid branch name '${name}': allowed are ${ALLOWED}`);
  return name;
}

/** Throws `bad_request` for the name that is kept for the system itself. */
export function refuseSystemRef(name: string): void {
  if (name === RESERVED) throw badRequest(`branch '${name}': omnigraph does not allow internal system refs`);
}
