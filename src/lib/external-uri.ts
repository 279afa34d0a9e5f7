// URIs of things outside a graph (`s3://bucket/key`, `file:///path`), read strictly: whatever could make one text point
// to two places, or carry a secret, is refused. Which of them may be used is decided elsewhere.

import { encodeUtf8 } from "./utf8.ts";

export type ExternalScope = "server_safe" | "embedded_only";

/** A place below which external Blob references are allowed. */
export interface ExternalBlobBase {
  /** Scheme and bucket in lower case, other bytes percent-encoded, exactly one trailing slash. */
  readonly uri: string;
  readonly scope: ExternalScope;
}

/** Bytes of one URI; more than any store accepts as a key. */
export const EXTERNAL_URI_BYTES_MAX = 65_536;

/** A URI taken apart; components are percent-decoded bytes, none of them empty or dots. */
export interface ExternalUri {
  readonly scheme: "s3" | "file";
  /** Of s3, in lower case; empty for file. */
  readonly bucket: string;
  readonly components: readonly Uint8Array[];
}

const URI = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/]*)(.*)$/s;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** Throws an Error that says, without repeating the text, what is not allowed. */
export function parseExternalUri(
  text: string,
  { trailingSlash }: { readonly trailingSlash: boolean },
): ExternalUri {
  if (text.trim() !== text) throw new Error("surrounding whitespace is not allowed");
  if (text.includes("\\")) throw new Error("backslashes are not allowed");
  if (/[?#]/.test(text)) throw new Error("a query or fragment is not allowed");
  const match = URI.exec(text);
  const scheme = match?.[1].toLowerCase();
  if (match === null || (scheme !== "s3" && scheme !== "file")) {
    throw new Error("expected an absolute s3:// or file:// URI");
  }
  const [, , authority, path] = match;
  if (authority.includes("@")) throw new Error("user info is not allowed");
  if (authority.includes(":")) throw new Error("a port is not allowed");
  if (!/^[A-Za-z0-9._-]*$/.test(authority)) throw new Error("a bucket has letters, digits, '.', '_' and '-'");
  if (scheme === "s3" && authority === "") throw new Error("the bucket is missing");
  if (scheme === "file" && authority !== "") throw new Error("a file URI must not name a host");
  const parts = path.split("/").slice(1);
  if (trailingSlash && parts.at(-1) === "") parts.pop();
  return { scheme, bucket: authority.toLowerCase(), components: parts.map(decodeComponent) };
}

/** The one spelling of a URI: everything but unreserved characters percent-encoded, no trailing slash. */
export function formatExternalUri({ scheme, bucket, components }: ExternalUri): string {
  return [`${scheme}://${bucket}`, ...components.map(percentEncode)].join("/");
}

/** The absolute path that a file URI names. */
export const externalFilePath = ({ components }: ExternalUri): string =>
  `/${components.map((component) => Buffer.from(component).toString()).join("/")}`;

/** The file URI of an absolute path. */
export const externalFileUri = (path: string): ExternalUri => ({
  scheme: "file",
  bucket: "",
  components: path
    .split("/")
    .filter((part) => part !== "")
    .map(encodeUtf8),
});

/** Does one place lie at or below the other, component by component? */
export function isAtOrBelow(inner: ExternalUri, outer: ExternalUri): boolean {
  return (
    inner.scheme === outer.scheme &&
    inner.bucket === outer.bucket &&
    inner.components.length >= outer.components.length &&
    outer.components.every((component, at) => Buffer.compare(component, inner.components[at]) === 0)
  );
}

function decodeComponent(part: string): Uint8Array {
  if (part === "") throw new Error("an empty path component is not allowed");
  const bytes = percentDecode(part);
  const text = Buffer.from(bytes).toString("latin1");
  if (text === "." || text === "..") throw new Error("'.' and '..' components are not allowed");
  return bytes;
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
      for (const byte of encodeUtf8(piece)) bytes.push(byte);
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
