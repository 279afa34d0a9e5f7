// Which external objects a writer may make the process read: bases as declared -> the normalised policy of a graph.

import { realpathSync, statSync } from "node:fs";
import {
  EXTERNAL_URI_BYTES_MAX,
  type ExternalBlobBase,
  type ExternalUri,
  externalFilePath,
  externalFileUri,
  formatExternalUri,
  isAtOrBelow,
  parseExternalUri,
} from "../lib/external-uri.ts";
import { compareUtf8, encodeUtf8 } from "../lib/utf8.ts";
import type { BlobBaseConfig } from "./config.ts";
import { type Diagnostic, errorAt, messageOf } from "./diagnostics.ts";

export type { ExternalBlobBase };

/** Null where a graph denies: that is never written down. */
export interface ExternalBlobPolicy {
  readonly mode: "allow";
  readonly bases: readonly ExternalBlobBase[];
}

interface NormalBase extends ExternalBlobBase {
  /** What containment is judged by: symlinks of a local path resolved. */
  readonly place: ExternalUri;
}

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
  if (encodeUtf8(base).length > EXTERNAL_URI_BYTES_MAX) {
    throw new Error(`longer than ${EXTERNAL_URI_BYTES_MAX} bytes`);
  }
  const place = parseExternalUri(base, { trailingSlash: true });
  const uri = `${formatExternalUri(place)}/`;
  if (place.scheme === "s3") return { uri, scope, place };
  if (scope === "server_safe") throw new Error("a file base cannot be server_safe; use embedded_only");
  return { uri, scope, place: realDirectory(externalFilePath(place)) };
}

function realDirectory(directory: string): ExternalUri {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`no directory '${directory}' on this machine`);
  }
  return externalFileUri(realpathSync(directory));
}

function firstOverlap(bases: readonly NormalBase[]): readonly [NormalBase, NormalBase] | null {
  for (const [i, a] of bases.entries()) {
    for (const b of bases.slice(i + 1)) {
      if (isAtOrBelow(a.place, b.place) || isAtOrBelow(b.place, a.place)) return [a, b];
    }
  }
  return null;
}
