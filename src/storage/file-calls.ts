// The system calls by which this folder changes a file system, in one object: who stands in for them sees, in order,
// everything that a power cut could undo.

import {
  closeSync,
  fsync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  write,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";

export interface FileCalls {
  /** Makes an empty file and opens it for writing; fails where the name is taken. */
  create(path: string): number;
  /** Appends on the calling thread; answers how much was taken. */
  writeSync(descriptor: number, bytes: Uint8Array, offset: number, length: number): number;
  /** Appends without holding up the event loop. */
  write(descriptor: number, bytes: Uint8Array, offset: number, length: number): Promise<number>;
  /** Resolves when what was written survives a power cut. */
  sync(descriptor: number): Promise<void>;
  close(descriptor: number): void;
  link(existing: string, path: string): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes the directory and those on the way to it; answers the topmost that was made. */
  makeDirectories(path: string): string | undefined;
  /** Fails where the directory is not empty. */
  removeDirectory(path: string): void;
  /** Resolves when the names in the directory survive a power cut. */
  syncDirectory(path: string): Promise<void>;
}

const sync = promisify(fsync);

export const fileCalls: FileCalls = {
  create: (path) => openSync(path, "wx"),
  writeSync: (descriptor, bytes, offset, length) => writeSync(descriptor, bytes, offset, length),
  write: (descriptor, bytes, offset, length) =>
    new Promise((resolve, reject) =>
      write(descriptor, bytes, offset, length, null, (error, written) =>
        error === null ? resolve(written) : reject(error),
      ),
    ),
  sync: (descriptor) => sync(descriptor),
  close: (descriptor) => closeSync(descriptor),
  link: (existing, path) => linkSync(existing, path),
  rename: (from, to) => renameSync(from, to),
  unlink: (path) => unlinkSync(path),
  makeDirectories: (path) => mkdirSync(path, { recursive: true }),
  removeDirectory: (path) => rmdirSync(path),
  syncDirectory: async (path) => {
    const descriptor = openSync(path, "r");
    try {
      await sync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
};
