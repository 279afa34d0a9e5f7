// What the operating system says about a local directory, in words that say where and what to do.

import { basename, dirname } from "node:path";
import { OmnigraphError, StorageError } from "../lib/errors.ts";
import { TEMPORARY_PREFIX } from "./keys.ts";

/** The `errno` name of a failed system call, or an empty text. */
export function errnoOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return "";
  return typeof thrown.code === "string" ? thrown.code : "";
}

/** True where the error only says that there is no such file (a component of its path may be a file). */
export function saysMissing(thrown: unknown): boolean {
  const errno = errnoOf(thrown);
  return errno === "ENOENT" || errno === "ENOTDIR";
}

const LINKLESS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL"]);

/** A failed link(2): file systems without hard links are refused by name, the rest is as fileError says. */
export function linkError(thrown: unknown, path: string): OmnigraphError {
  const errno = errnoOf(thrown);
  if (!LINKLESS.has(errno)) return fileError(thrown, "write", path);
  return failure(
    `the file system that holds '${path}' has no hard links (link: ${errno}), without which two writers could publish ` +
      "over each other; use a directory on a file system that has them (ext4, xfs, btrfs, zfs, apfs) or a bucket (s3://…)",
    thrown,
  );
}

/** A failed read or write of `path`. */
export function fileError(
  thrown: unknown,
  action: "read" | "write" | "delete",
  path: string,
): OmnigraphError {
  if (thrown instanceof OmnigraphError) return thrown;
  const errno = errnoOf(thrown);
  const isTemporary = basename(path).startsWith(TEMPORARY_PREFIX);
  // A name of our own making says nothing to anybody: the directory does.
  const cannot = `cannot ${action} ${isTemporary ? `in '${dirname(path)}'` : `'${path}'`}`;
  switch (errno) {
    case "ENOSPC":
      return failure(`${cannot}: no space left on the device; free some space and try again`, thrown);
    case "EDQUOT":
      return failure(`${cannot}: the disk quota is used up; free some space and try again`, thrown);
    case "EROFS":
      return failure(`${cannot}: the file system is mounted read-only; use a writable directory`, thrown);
    case "EACCES":
    case "EPERM":
      return failure(
        `${cannot}: permission denied; give the user that runs omnigraph access to this directory`,
        thrown,
      );
    case "ENOTDIR":
    case "EEXIST":
      return new OmnigraphError(
        "bad_request",
        `${cannot}: a component of the path is a file where a directory is wanted`,
        {},
        { cause: thrown },
      );
    case "EISDIR":
    case "ENOTEMPTY":
      return new OmnigraphError(
        "bad_request",
        `${cannot}: there is a directory of that name`,
        {},
        { cause: thrown },
      );
    case "ENAMETOOLONG":
      return new OmnigraphError(
        "bad_request",
        `${cannot}: the name is longer than the file system allows`,
        {},
        { cause: thrown },
      );
    case "EMFILE":
    case "ENFILE":
      return failure(`${cannot}: too many open files; raise the limit (ulimit -n)`, thrown);
    default:
      return failure(`${cannot}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown);
  }
}

function failure(message: string, cause: unknown): OmnigraphError {
  return new StorageError("internal", message, {}, { cause });
}
