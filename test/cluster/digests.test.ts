import { afterEach, describe, expect, it } from "bun:test";
import { sha256Hex } from "../../src/lib/digest.ts";
import { CREW_POLICY, desiredOf, FLEET_SCHEMA, folder, PORT_QUERY, removeFolders } from "./support.ts";

afterEach(removeFolders);

const joined = (...parts: string[]): string => sha256Hex(parts.map((part) => `${part}\0`).join(""));

const KEY = `$${"{KEY}"}`;
const YAML = `version: 1
metadata: { name: Häfen }
storage: data
state: { lock: true }
providers:
  embedding:
    texts: { model: m, kind: openai, api_key: " ${KEY} " }
graphs:
  fleet:
    schema: ./fleet.pg
    queries: [flags.gq]
    embedding_provider: texts
    external_blobs: { allow: [ { scope: server_safe, base: "S3://Scans/in" } ] }
  bare:
    schema: fleet.pg
    queries: { flags: { file: flags.gq } }
policies:
  crew: { file: crew.yaml, applies_to: [fleet, graph.bare, fleet] }
`;

describe("digests", () => {
  it("are made of exactly the parts that the contract names", async () => {
    const { digests, configDigest } = await desiredOf(
      folder({
        "cluster.yaml": YAML,
        "fleet.pg": FLEET_SCHEMA,
        "flags.gq": PORT_QUERY,
        "crew.yaml": CREW_POLICY,
      }),
    );
    const profile = `{"kind":"openai","model":"m","api_key":"${KEY}"}`;
    const provider = sha256Hex(`embedding-provider\0${profile}`);
    const [schema, query, policy] = [FLEET_SCHEMA, PORT_QUERY, CREW_POLICY].map((text) => sha256Hex(text));
    const bare = joined("graph", "bare", "schema", schema, "query", "flags", query);
    const fleet = joined(
      "graph",
      "fleet",
      "schema",
      schema,
      "query",
      "flags",
      query,
      "embedding_provider",
      "provider.embedding.texts",
      provider,
      "external_blob_policy",
      '{"mode":"allow","bases":[{"uri":"s3://scans/in/","scope":"server_safe"}]}',
    );
    expect(Object.fromEntries(digests)).toEqual({
      "graph.bare": bare,
      "graph.fleet": fleet,
      "policy.crew": policy,
      "provider.embedding.texts": provider,
      "query.bare.flags": query,
      "query.fleet.flags": query,
      "schema.bare": schema,
      "schema.fleet": schema,
    });
    const config =
      '{"version":1,"metadata":{"name":"Häfen"},"storage":"data","state":{"backend":null,"lock":true},' +
      `"providers":{"embedding":{"texts":${profile}}},` +
      '"graphs":{"bare":{"schema":"fleet.pg","queries":{"flags":{"file":"flags.gq"}},"embedding_provider":null},' +
      '"fleet":{"schema":"./fleet.pg","queries":["flags.gq"],"embedding_provider":"texts",' +
      '"external_blobs":{"allow":[{"base":"S3://Scans/in","scope":"server_safe"}]}}},' +
      '"policies":{"crew":{"file":"crew.yaml","applies_to":["fleet","graph.bare","fleet"]}}}';
    const resources = [...digests].sort(([a], [b]) => (a < b ? -1 : 1)).flat();
    expect(configDigest).toBe(joined("cluster-config", config, ...resources));
  });

  it("stand for nothing where nothing is declared", async () => {
    const { configDigest } = await desiredOf(folder({ "cluster.yaml": "version: 1\n" }));
    const config =
      '{"version":1,"metadata":{"name":null},"storage":null,"state":{"backend":null,"lock":null},' +
      '"providers":{"embedding":{}},"graphs":{},"policies":{}}';
    expect(configDigest).toBe(joined("cluster-config", config));
  });
});
