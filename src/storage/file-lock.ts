// An exclusive lock on one version of a local object: flock(2) on the object's own file. The kernel drops it when its
// holder closes the file or dies, so there is no stale lock to break, no lock file to leave behind, and containers that
// share a volume exclude each other although they cannot see each other's processes. Bun and Node do not offer
// flock, so it is called through bun:ffi (loaded in 0.3 ms, at the first write that needs it).
//
// Every version of an object is a file of its own (an inode): who replaces or deletes the object holds the lock of
// the version that it found under the name, and looks, with the lock held, whether that version is still the one there.

import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { OmnigraphError, StorageError } from "../lib/errors.ts";
import { type Ports, randomUnit } from "../lib/ports.ts";
import { saysMissing } from "./file-errors.ts";
import { FILE_LOCK_POLL_MS, LOCK_POLL_MS_MAX, LOCK_WAIT_MS_MAX } from "./limits.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  linux: ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`],
  darwin: ["libSystem.B.dylib"],
};

/** flock(2), without blocking: true when the lock was taken. */
type TryLock = (descriptor: number) => boolean;

let tryLock: TryLock | null = null;

async function loadTryLock(): Promise<TryLock> {
  if (tryLock !== null) return tryLock;
  const { dlopen, FFIType } = await import("bun:ffi");
  for (const library of LIBRARIES[process.platform] ?? []) {
    try {
      const { symbols } = dlopen(library, {
        flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
      });
      tryLock = (descriptor) => symbols.flock(descriptor, LOCK_EX | LOCK_NB) === 0;
      return tryLock;
    } catch {
      // Not this C library; the next one.
    }
  }
  throw new OmnigraphError(
    "internal",
    `cannot lock files on this platform (${process.platform}, ${process.arch}): no flock in its C library; use a bucket (s3://…)`,
  );
}

/**
 * Runs `action` while no other process of this machine replaces or deletes the object at `path`; `action` gets the
 * descriptor of the version that is there, or null where there is none (which nothing locks).
 */
export async function withObjectLock<T>(
  path: string,
  ports: Ports,
  action: (descriptor: number | null) => T,
): Promise<T> {
  const lock = await loadTryLock();
  const deadline = ports.now() + LOCK_WAIT_MS_MAX;
  for (;;) {
    const descriptor = openExisting(path);
    if (descriptor === null) return action(null);
    try {
      if (lock(descriptor)) {
        if (isStillAt(path, descriptor)) return action(descriptor);
        continue;
      }
    } finally {
      closeSync(descriptor);
    }
    if (ports.now() > deadline) {
      throw new StorageError(
        "internal",
        `waited ${LOCK_WAIT_MS_MAX / 1_000} s for another process that is replacing '${path}'; is it stopped?`,
      );
    }
    await ports.sleep(randomUnit(ports) * LOCK_POLL_MS_MAX);
  }
}

/**
 * Runs `action` while no other process of this machine holds the lock of the file at `path`, which is made where there is
 * none and stays. Waits as long as it takes: a holder may have hours of work, and one that dies lets go.
 */
export async function withFileLock<T>(path: string, ports: Ports, action: () => Promise<T>): Promise<T> {
  const lock = await loadTryLock();
  const descriptor = openSync(path, "a");
  try {
    while (!lock(descriptor)) await ports.sleep(FILE_LOCK_POLL_MS);
    return await action();
  } finally {
    closeSync(descriptor);
  }
}

function openExisting(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (thrown) {
    if (saysMissing(thrown)) return null;
    throw thrown;
  }
}

function isStillAt(path: string, descriptor: number): boolean {
  const held = fstatSync(descriptor, { bigint: true });
  try {
    const there = statSync(path, { bigint: true });
    return there.ino === held.ino && there.dev === held.dev;
  } catch (thrown) {
    if (saysMissing(thrown)) return false;
    throw thrown;
  }
}
