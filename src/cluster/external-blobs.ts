// Which external objects a writer may make the process read: bases as declared -> the normalised policy of a graph.

import { realpathSync, statSync } from "node:fs";
import { compareUtf8, encodeUtf8 } from "../lib/utf8.ts";
import type { BlobBaseConfig, BlobScope } from "./config.ts";
import { type Diagnostic, errorAt, messageOf } from "./diagnostics.ts";
import { BLOB_BASE_BYTES_MAX } from "./limits.ts";

export interface ExternalBlobBase {
  /** Scheme and bucket in lower case, other bytes percent-encoded, exactly one trailing slash. */
  readonly uri: string;
  readonly scope: BlobScope;
}

/** Null where a graph denies: that is never written down. */
export interface ExternalBlobPolicy {
  readonly mode: "allow";
  readonly bases: readonly ExternalBlobBase[];
}

interface NormalBase extends ExternalBlobBase {
  /** What containment is judged by: the bucket and decoded components, symlinks of a local path resolved. */
  readonly components: readonly string[];
}

const URI = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/]*)(.*)$/s;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** The policy of a graph's declared bases, with what is wrong with them. */
export function normalizeBlobPolicy(
  allow: readonly BlobBaseConfig[],
  where: string,
): { readonly policy: ExternalBlobPolicy | null; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const bases: NormalBase[] = [];
  for (const [i, entry] of allow.entries()) {
    try {
      bases.push(normalizeBase(entry));
    } catch (thrown) {
      diagnostics.push(
        errorAt(
          "invalid_external_blob_base",
          `${where}.allow[${i}].base`,
          `external blob base '${entry.base.slice(0, 200)}': ${messageOf(thrown)}`,
        ),
      );
    }
  }
  const overlap = firstOverlap(bases);
  if (overlap !== null) {
    diagnostics.push(
      errorAt(
        "invalid_external_blob_policy",
        `${where}.allow`,
        `external blob bases '${overlap[0].uri}' and '${overlap[1].uri}' overlap`,
      ),
    );
  }
  if (bases.length === 0) return { policy: null, diagnostics };
  const sorted = bases
    .map(({ uri, scope }) => ({ uri, scope }))
    .sort((a, b) => compareUtf8(a.uri, b.uri) || compareUtf8(a.scope, b.scope));
  return { policy: { mode: "allow", bases: sorted }, diagnostics };
}

function normalizeBase({ base, scope }: BlobBaseConfig): NormalBase {
  if (base.trim() !== base) throw new Error("surrounding whitespace is not allowed");
  if (encodeUtf8(base).length > BLOB_BASE_BYTES_MAX) {
    throw new Error(`longer than ${BLOB_BASE_BYTES_MAX} bytes`);
  }
  if (base.includes("\\")) throw new Error("backslashes are not allowed");
  if (/[?#]/.test(base)) throw new Error("a query or fragment is not allowed");
  const match = URI.exec(base);
  const scheme = match?.[1].toLowerCase();
  if (match === null || (scheme !== "s3" && scheme !== "file")) {
    throw new Error("expected an absolute s3:// or file:// URI");
  }
  const [, , authority, path] = match;
  if (authority.includes("@")) throw new Error("user info is not allowed");
  if (authority.includes(":")) throw new Error("a port is not allowed");
  const components = pathComponents(path);
  const encoded = components.map((component) => `${percentEncode(component)}/`).join("");
  if (scheme === "s3") {
    if (authority === "") throw new Error("the bucket is missing");
    const bucket = authority.toLowerCase();
    return {
      uri: `s3://${bucket}/${encoded}`,
      scope,
      components: ["s3", bucket, ...components.map(percentEncode)],
    };
  }
  if (authority !== "") throw new Error("a file URI must not name a host");
  if (scope === "server_safe") throw new Error("a file base cannot be server_safe; use embedded_only");
  const directory = `/${components.map((component) => Buffer.from(component).toString()).join("/")}`;
  return { uri: `file:///${encoded}`, scope, components: ["file", ...realComponents(directory)] };
}

function realComponents(directory: string): string[] {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`no directory '${directory}' on this machine`);
  }
  return realpathSync(directory)
    .split("/")
    .filter((part) => part !== "");
}

/** Decoded components; one trailing slash is no component. */
function pathComponents(path: string): Uint8Array[] {
  const parts = path.split("/").slice(1);
  if (parts.at(-1) === "") parts.pop();
  return parts.map((part) => {
    if (part === "") throw new Error("an empty path component is not allowed");
    const bytes = percentDecode(part);
    const text = Buffer.from(bytes).toString("latin1");
    if (text === "." || text === "..") throw new Error("'.' and '..' components are not allowed");
    return bytes;
  });
}

const FORBIDDEN_ENCODED = new Set([..."/\\%\0"].map((character) => character.charCodeAt(0)));

function percentDecode(part: string): Uint8Array {
  const bytes: number[] = [];
  // The group makes every second piece an escape.
  for (const [i, piece] of part.split(/(%[0-9A-Fa-f]{2})/).entries()) {
    if (i % 2 === 1) {
      const byte = Number.parseInt(piece.slice(1), 16);
      if (FORBIDDEN_ENCODED.has(byte)) throw new Error("an encoded '/', '\\', '%' or NUL is not allowed");
      bytes.push(byte);
    } else {
      if (piece.includes("%")) throw new Error("a percent escape is broken");
      if (piece.includes("\0")) throw new Error("NUL is not allowed");
      bytes.push(...encodeUtf8(piece));
    }
  }
  return Uint8Array.from(bytes);
}

function percentEncode(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    return UNRESERVED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

function firstOverlap(bases: readonly NormalBase[]): readonly [NormalBase, NormalBase] | null {
  for (const [i, a] of bases.entries()) {
    for (const b of bases.slice(i + 1)) {
      const shorter = Math.min(a.components.length, b.components.length);
      if (a.components.slice(0, shorter).every((part, at) => part === b.components[at])) return [a, b];
    }
  }
  return null;
}
