// Which external objects a write may refer to. Everything that can be said of a URI without asking whoever keeps the
// object is said here; what it names is then stored in one spelling.

import { realpathSync } from "node:fs";
import { badRequest, tooLarge } from "../../lib/errors.ts";
import {
  EXTERNAL_URI_BYTES_MAX,
  type ExternalBlobBase,
  type ExternalUri,
  externalFilePath,
  externalFileUri,
  formatExternalUri,
  isAtOrBelow,
  parseExternalUri,
} from "../../lib/external-uri.ts";
import { encodeUtf8 } from "../../lib/utf8.ts";
import { sourceError } from "./source.ts";

/** Answers what is stored for an external URI as it was given; throws for one that may not be referred to. */
export type ExternalPolicy = (text: string) => ExternalUri;

/** The policy of a graph's bases; none denies. Throws 400 for a base that is no URI. */
export function externalPolicy(bases: readonly ExternalBlobBase[]): ExternalPolicy {
  const places = bases.map(({ uri }) => {
    try {
      return parseExternalUri(uri, { trailingSlash: true });
    } catch (thrown) {
      throw badRequest(`external blob base '${uri}' is not valid: ${messageOf(thrown)}`);
    }
  });
  return (text) => {
    const uri = readUri(text);
    if (places.length === 0) throw badRequest("new external Blob URI ingress is denied for this graph");
    return uri.scheme === "s3" ? admitObject(uri, places) : admitFile(uri, places);
  };
}

function readUri(text: string): ExternalUri {
  const bytes = encodeUtf8(text).length;
  if (bytes > EXTERNAL_URI_BYTES_MAX) {
    throw tooLarge("external Blob URI bytes", EXTERNAL_URI_BYTES_MAX, bytes);
  }
  try {
    return parseExternalUri(text, { trailingSlash: false });
  } catch (thrown) {
    // What is refused may hold a secret, so it is not repeated.
    throw badRequest(`external blob URI '<redacted>' is not allowed: ${messageOf(thrown)}`);
  }
}

function admitObject(uri: ExternalUri, bases: readonly ExternalUri[]): ExternalUri {
  if (bases.some((base) => isBelow(uri, base))) return uri;
  throw outside(uri);
}

/** A local file is stored by its real path, which must lie in a base as its own path does. */
function admitFile(uri: ExternalUri, bases: readonly ExternalUri[]): ExternalUri {
  const directories = bases
    .filter((base) => base.scheme === "file")
    .flatMap((base) => {
      const real = realPlace(base);
      return real === null ? [] : [{ base, real }];
    });
  const allowing = directories.filter(({ base, real }) => isBelow(uri, base) || isBelow(uri, real));
  if (allowing.length === 0) throw outside(uri);
  const real = realPlace(uri);
  if (real === null) throw sourceError(formatExternalUri(uri), "no such file");
  if (allowing.some((directory) => isBelow(real, directory.real))) return real;
  throw badRequest(
    `external blob URI '${formatExternalUri(uri)}' escapes its configured external Blob base through a symbolic link`,
  );
}

/** A base never contains itself. */
const isBelow = (inner: ExternalUri, outer: ExternalUri) =>
  inner.components.length > outer.components.length && isAtOrBelow(inner, outer);

function realPlace(uri: ExternalUri): ExternalUri | null {
  try {
    return externalFileUri(realpathSync(externalFilePath(uri)));
  } catch {
    return null;
  }
}

const outside = (uri: ExternalUri) =>
  badRequest(
    `external blob URI '${formatExternalUri(uri)}' is not allowed: URI is outside every configured external Blob base`,
  );

const messageOf = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown));
