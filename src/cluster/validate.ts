// `cluster validate`: everything that can be said about a configuration without its storage.

import type { JsonObject } from "../lib/json.ts";
import { denyWarnings } from "./desired.ts";
import { type ClusterOptions, configFile, Session } from "./session.ts";

/** Checks the configuration and lists what it declares. */
export async function validateCluster(options: Omit<ClusterOptions, "openStorage">): Promise<JsonObject> {
  const session = new Session(options);
  const loaded = await session.loadAll();
  if (loaded !== null) session.report(...denyWarnings(loaded.desired, session.diagnostics));
  return {
    ok: session.ok,
    config_dir: options.configDir,
    config_file: configFile(options.configDir),
    resource_digests: Object.fromEntries(loaded?.desired.digests ?? []),
    resources: (loaded?.desired.resources ?? []).map(({ address, kind, digest, path }) => ({
      address,
      kind,
      digest,
      ...(path === undefined ? {} : { path }),
    })),
    dependencies: (loaded?.desired.dependencies ?? []).map(({ from, to }) => ({ from, to })),
    diagnostics: session.diagnosticsJson(),
  };
}
