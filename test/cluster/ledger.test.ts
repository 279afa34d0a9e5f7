import { describe, expect, it } from "bun:test";
import {
  compositeOf,
  decodeLedger,
  EMPTY_LEDGER,
  encodeLedger,
  withComposites,
} from "../../src/cluster/ledger.ts";
import { readLedger, writeLedger } from "../../src/cluster/ledger-store.ts";
import type { JsonValue } from "../../src/lib/json.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/lib/utf8.ts";
import { MemoryBucket, memoryStorage } from "../../src/storage/index.ts";
import { ports } from "./support.ts";

const KEY = `$${"{HARBOR_OPENAI_KEY}"}`;
const EXAMPLE = {
  version: 1,
  state_revision: 7,
  applied_revision: {
    config_digest: "9c1f",
    resources: {
      "graph.fleet": {
        digest: "41d0",
        embedding_provider: "provider.embedding.texts",
        external_blob_policy: {
          mode: "allow",
          bases: [{ uri: "s3://harbor-scans/manifests/", scope: "server_safe" }],
        },
      },
      "policy.crew": { digest: "b7e2", applies_to: ["graph.fleet"] },
      "provider.embedding.texts": {
        digest: "05aa",
        embedding_profile: { kind: "openai", model: "text-embedding-3-small", api_key: KEY },
      },
      "query.fleet.ship_by_imo": { digest: "e88c" },
      "schema.fleet": { digest: "77b3" },
    },
  },
  resource_statuses: {
    "graph.fleet": { status: "applied" },
    "query.fleet.x": { status: "blocked", conditions: ["approval_required"], message: "why" },
  },
  approval_records: { "01JZA": { consumed_at: "2026-07-02T10:00:00Z", consumed_by_operation: "apply" } },
  recovery_records: {},
  observations: { "graph.old": { kind: "tombstone" } },
};
type Members = Record<string, unknown>;
const bytesOf = (value: unknown) => encodeUtf8(`${JSON.stringify(value, null, 2)}\n`);
const refusal = (text: string): string => {
  try {
    decodeLedger(encodeUtf8(text));
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  return "accepted";
};
const refusalOf = (value: unknown): string => refusal(JSON.stringify(value));

describe("the ledger file", () => {
  it("is written as it was read", () => {
    expect(decodeUtf8(encodeLedger(decodeLedger(bytesOf(EXAMPLE))))).toBe(decodeUtf8(bytesOf(EXAMPLE)));
  });

  it("sorts its maps", () => {
    const shuffled = {
      ...EXAMPLE,
      applied_revision: {
        resources: Object.fromEntries(Object.entries(EXAMPLE.applied_revision.resources).reverse()),
        config_digest: "9c1f",
      },
      observations: { b: { z: 1, a: 2 }, a: {} },
    };
    const text = decodeUtf8(encodeLedger(decodeLedger(bytesOf(shuffled))));
    expect(Object.keys((JSON.parse(text) as typeof EXAMPLE).applied_revision.resources)).toEqual(
      Object.keys(EXAMPLE.applied_revision.resources),
    );
    expect(text).toContain('"a": {},\n    "b": {\n      "a": 2,\n      "z": 1\n    }');
  });

  it("needs little more than its version", () => {
    expect(decodeLedger(encodeUtf8('{"version":1,"applied_revision":{}}'))).toEqual(EMPTY_LEDGER);
  });

  it("is refused with anything that it should not hold", () => {
    const resource = (entry: JsonValue) => ({
      ...EXAMPLE,
      applied_revision: { resources: { "graph.a": entry } },
    });
    expect(refusal("{")).toContain("line 1");
    expect(refusal("[]")).toContain("expected an object");
    expect(refusal('{"version":1,"version":1,"applied_revision":{}}')).toContain("duplicate");
    expect(refusalOf({ ...EXAMPLE, extra: 1 })).toContain("unknown field `extra`");
    expect(refusalOf({ ...EXAMPLE, applied_revision: { more: 1 } })).toContain("unknown field `more`");
    expect(refusalOf({ version: 1 })).toContain("applied_revision");
    expect(refusalOf({ ...EXAMPLE, state_revision: "7" })).toContain("state_revision");
    expect(refusalOf({ ...EXAMPLE, state_revision: -1 })).toContain("state_revision");
    expect(refusalOf(resource({}))).toContain("graph.a.digest");
    expect(refusalOf(resource({ digest: "d", colour: 1 }))).toContain("unknown field `colour`");
    expect(refusalOf(resource({ digest: "d", applies_to: [1] }))).toContain("applies_to[0]");
    expect(refusalOf(resource({ digest: "d", embedding_profile: { key: "x" } }))).toContain(
      "unknown field `key`",
    );
    const blobPolicy = (value: Members) =>
      resource({ digest: "d", external_blob_policy: value as JsonValue });
    expect(refusalOf(blobPolicy({ mode: "deny", bases: [] }))).toContain("mode");
    expect(refusalOf(blobPolicy({ mode: "allow", bases: [], more: 1 }))).toContain("unknown field `more`");
    expect(refusalOf(blobPolicy({ mode: "allow", bases: [{ uri: "x", scope: "all" }] }))).toContain("scope");
    const status = (value: Members) => ({ ...EXAMPLE, resource_statuses: { a: value } });
    expect(refusalOf(status({ status: "fine" }))).toContain("unknown status");
    expect(refusalOf(status({ status: "applied", since: 1 }))).toContain("unknown field `since`");
  });

  it("keeps statuses that are never written by us", () => {
    for (const status of ["pending", "planned", "applying"]) {
      expect(refusalOf({ ...EXAMPLE, resource_statuses: { a: { status } } })).toBe("accepted");
    }
  });
});

describe("composites", () => {
  it("follow the entries beside them, for every graph in the ledger", () => {
    const { resources } = decodeLedger(bytesOf(EXAMPLE));
    const settled = withComposites(resources);
    expect(settled.get("graph.fleet")?.digest).toBe(compositeOf(resources, "fleet"));
    const edited = new Map(settled);
    edited.delete("query.fleet.ship_by_imo");
    expect(withComposites(edited).get("graph.fleet")?.digest).not.toBe(settled.get("graph.fleet")?.digest);
    expect(withComposites(edited).get("graph.fleet")?.externalBlobPolicy?.bases).toHaveLength(1);
  });
});

describe("the ledger on storage", () => {
  const ledger = (revision: number) => ({ ...EMPTY_LEDGER, stateRevision: revision });
  const KEY_OF_LEDGER = "__cluster/state.json";

  it("tells a missing, a broken and an unknown ledger apart", async () => {
    const storage = memoryStorage(ports);
    expect(await readLedger(storage)).toEqual({ kind: "missing" });
    const codeOf = async (text: string) => {
      await storage.put(KEY_OF_LEDGER, encodeUtf8(text));
      const read = await readLedger(storage);
      return read.kind === "broken" ? [read.diagnostic.code, read.diagnostic.path, read.cas !== null] : [];
    };
    expect(await codeOf("{")).toEqual(["invalid_state_json", KEY_OF_LEDGER, true]);
    expect(await codeOf('{"version":2}')).toEqual(["unsupported_state_version", "state.version", true]);
    expect(await codeOf('{"version":"1"}')).toEqual(["invalid_state_json", KEY_OF_LEDGER, true]);
  });

  it("is created once and replaced only by who read it last", async () => {
    const storage = memoryStorage(ports);
    const first = await writeLedger(storage, ledger(1), null);
    expect(first.ok).toBe(true);
    const again = await writeLedger(storage, ledger(2), null);
    expect(again).toMatchObject({ ok: false, diagnostic: { code: "state_cas_mismatch" } });
    const cas = first.ok ? first.cas : null;
    expect((await writeLedger(storage, ledger(2), cas)).ok).toBe(true);
    expect((await writeLedger(storage, ledger(3), cas)).ok).toBe(false);
    const read = await readLedger(storage);
    expect(read.kind === "present" && read.ledger.stateRevision).toBe(2);
    await storage.delete(KEY_OF_LEDGER);
    expect((await writeLedger(storage, ledger(3), cas)).ok).toBe(false);
    expect(await storage.get(KEY_OF_LEDGER)).toBeNull();
  });

  it("counts a write whose answer was lost as written", async () => {
    const bucket = new MemoryBucket();
    let left = 1;
    const lossy = memoryStorage(ports, {
      bucket,
      faults: ({ method }) => (method === "putIfAbsent" && left-- > 0 ? { kind: "lose-response" } : null),
    });
    expect((await writeLedger(lossy, ledger(1), null)).ok).toBe(true);
    expect((await readLedger(memoryStorage(ports, { bucket }))).kind).toBe("present");
  });
});
