import manifest from "../../package.json" with { type: "json" };

/** Replaced by the build with the commit it was built from; not defined when running from source. */
declare const OMNIGRAPH_SOURCE_VERSION: string | undefined;

/** Product version (semver). */
export const VERSION: string = manifest.version;

/** The stamp of the build, or null when running from source. */
export const SOURCE_VERSION: string | null =
  typeof OMNIGRAPH_SOURCE_VERSION === "string" && OMNIGRAPH_SOURCE_VERSION !== ""
    ? OMNIGRAPH_SOURCE_VERSION
    : null;

/** The format of a graph on storage that this program reads and writes; clients compare it for equality. */
export const STORAGE_FORMAT_VERSION = 1;
