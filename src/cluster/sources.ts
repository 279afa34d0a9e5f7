// The files that a cluster.yaml names. Within one command each is read once, so that its digest, its parse and its
// checks speak about the same bytes.

import { readdir, stat } from "node:fs/promises";
import { isAbsolute, join, normalize, resolve } from "node:path";
import { sha256Hex } from "../lib/digest.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import { messageOf } from "./diagnostics.ts";

/** A byte order mark is content: text and bytes must have one digest. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export interface SourceFile {
  /** As shown: the configuration directory as given, then the path without `./`. */
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: string;
  readonly digest: string;
}

export type SourceRead =
  | { readonly ok: true; readonly file: SourceFile }
  | { readonly ok: false; readonly path: string; readonly message: string };

export class Sources {
  private readonly reads = new Map<string, Promise<SourceRead>>();

  constructor(private readonly configDir: string) {}

  /** A path of cluster.yaml as shown to people; `./x` and `x` are the same. */
  shownPath(path: string): string {
    return isAbsolute(path) ? path : `${this.configDir.replace(/\/+$/, "")}/${normalize(path)}`;
  }

  /** The file as this command knows it. */
  read(path: string): Promise<SourceRead> {
    const key = resolve(this.configDir, path);
    const known = this.reads.get(key);
    if (known !== undefined) return known;
    const read = this.readNow(path);
    this.reads.set(key, read);
    return read;
  }

  /** The file as it is on disk this moment. */
  async readNow(path: string): Promise<SourceRead> {
    const shown = this.shownPath(path);
    try {
      const bytes = await Bun.file(resolve(this.configDir, path)).bytes();
      return { ok: true, file: { path: shown, bytes, text: decodeText(bytes), digest: sha256Hex(bytes) } };
    } catch (thrown) {
      return { ok: false, path: shown, message: `cannot read '${shown}': ${messageOf(thrown)}` };
    }
  }

  async isDirectory(path: string): Promise<boolean> {
    return stat(resolve(this.configDir, path)).then(
      (info) => info.isDirectory(),
      () => false,
    );
  }

  /** Files of a directory (not of those below it) that end in `extension`, as paths, sorted by bytes. */
  async filesIn(path: string, extension: string): Promise<readonly string[]> {
    const directory = resolve(this.configDir, path);
    const names = (await readdir(directory)).filter((name) => name.endsWith(extension));
    const files = await Promise.all(
      names.map(async (name) => ((await stat(join(directory, name))).isFile() ? [name] : [])),
    );
    return files
      .flat()
      .map((name) => join(path, name))
      .sort(compareUtf8);
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Error("the file is not UTF-8");
  }
}
