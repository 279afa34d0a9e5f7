import { afterEach, beforeEach, describe, expect, it } from "bun:test";
import { sha256Hex } from "../../src/lib/digest.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/lib/utf8.ts";
import type { StorageAdapter } from "../../src/storage/index.ts";
import type { Misbehaviour, S3Server } from "../support/s3-server.ts";
import { isGet, isPut, s3Fixture } from "./s3-fixture.ts";

const bytes = encodeUtf8;
const SLOW_DOWN: Misbehaviour = { kind: "answer", status: 503, code: "SlowDown" };
const CONFLICT: Misbehaviour = { kind: "answer", status: 409, code: "ConditionalRequestConflict" };
const PART = 8 * 1_024 * 1_024;

let server: S3Server;
let storage: StorageAdapter;
beforeEach(async () => {
  ({ server, storage } = await s3Fixture());
});
afterEach(() => server.stop());

async function textAt(key: string): Promise<string | null> {
  const found = await storage.get(key);
  return found === null ? null : decodeUtf8(found.bytes);
}

async function collect(chunks: AsyncIterable<Uint8Array> | null): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks ?? []) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

async function* parts(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(PART).fill(i + 1);
}

describe("a conditional put on S3", () => {
  it("is unknown when the reply is lost, and reading back shows that it landed", async () => {
    server.misbehaveOnce(isPut, { kind: "lose-reply" });
    const put = await storage.putIfAbsent("a", bytes("mine"));
    expect(put.outcome).toBe("unknown");
    expect(await textAt("a")).toBe("mine");
  });

  it("is sent exactly once over a kept-alive connection that dies under it", async () => {
    for (let round = 0; round < 5; round++) {
      await storage.put("warm", bytes("x"));
      server.clearRequests();
      server.misbehaveOnce(isPut, { kind: "lose-reply" });
      expect((await storage.putIfAbsent(`a${round}`, bytes("mine"))).outcome).toBe("unknown");
      expect(server.count("put")).toBe(1);
    }
  });

  it("is unknown when the connection breaks before anything happened, and reading back shows nothing", async () => {
    server.misbehaveOnce(isPut, { kind: "reset" });
    expect((await storage.putIfAbsent("a", bytes("mine"))).outcome).toBe("unknown");
    expect(await textAt("a")).toBeNull();
  });

  it("is unknown on a 500, whether or not the write happened", async () => {
    server.misbehaveOnce(isPut, { kind: "answer", status: 500, code: "InternalError", applied: true });
    const put = await storage.putIfAbsent("a", bytes("mine"));
    expect(put.outcome).toBe("unknown");
    expect(put.outcome === "unknown" && put.cause.message).toContain("500 InternalError");
    expect(await textAt("a")).toBe("mine");

    const version = (await storage.get("a"))?.version ?? "";
    server.misbehaveOnce(isPut, { kind: "answer", status: 500, code: "InternalError" });
    expect((await storage.putIfMatch("a", bytes("next"), version)).outcome).toBe("unknown");
    expect(await textAt("a")).toBe("mine");
  });

  it("is unknown on a page of a gateway", async () => {
    for (const status of [502, 503, 504]) {
      server.misbehaveOnce(isPut, { kind: "answer", status });
      expect((await storage.putIfAbsent(`a${status}`, bytes("mine"))).outcome).toBe("unknown");
    }
  });

  it("is repeated after SlowDown and 429", async () => {
    server.misbehaveOnce(isPut, SLOW_DOWN, { kind: "answer", status: 429, code: "TooManyRequests" });
    storage.resetCounts();
    expect((await storage.putIfAbsent("a", bytes("mine"))).outcome).toBe("won");
    expect(storage.counts().put).toBe(3);
  });

  it("is unknown, not lost, when a SlowDown had written after all", async () => {
    server.misbehaveOnce(isPut, { ...SLOW_DOWN, applied: true });
    expect((await storage.putIfAbsent("a", bytes("mine"))).outcome).toBe("unknown");
    expect(await textAt("a")).toBe("mine");
  });

  it("is repeated after a conflict with another in flight", async () => {
    server.misbehaveOnce(isPut, CONFLICT, CONFLICT);
    expect((await storage.putIfAbsent("a", bytes("mine"))).outcome).toBe("won");
    await storage.put("b", bytes("theirs"));
    server.misbehaveOnce(isPut, CONFLICT);
    expect(await storage.putIfAbsent("b", bytes("mine"))).toEqual({ outcome: "lost" });
  });

  it("is lost when it meets nothing but conflicts", async () => {
    server.misbehave((request) => (isPut(request) ? CONFLICT : null));
    storage.resetCounts();
    expect(await storage.putIfAbsent("a", bytes("mine"))).toEqual({ outcome: "lost" });
    expect(storage.counts().put).toBe(6);
  });

  it("throws when the store throttles to the end", async () => {
    server.misbehave((request) => (isPut(request) ? SLOW_DOWN : null));
    await expect(storage.putIfAbsent("a", bytes("mine"))).rejects.toThrow(
      /cannot put 's3:\/\/test-bucket\/root\/a'.*SlowDown/,
    );
  });

  it("throws where the store does not know conditions", async () => {
    server.misbehave(({ isConditional }) =>
      isConditional ? { kind: "answer", status: 501, code: "NotImplemented" } : null,
    );
    await expect(storage.putIfAbsent("a", bytes("mine"))).rejects.toThrow("NotImplemented");
  });
});

describe("a plain put on S3", () => {
  it("is repeated until it is acknowledged", async () => {
    server.misbehaveOnce(
      isPut,
      { kind: "lose-reply" },
      { kind: "answer", status: 500, code: "InternalError" },
    );
    storage.resetCounts();
    await storage.put("a", bytes("mine"));
    expect(await textAt("a")).toBe("mine");
    expect(storage.counts().put).toBe(3);
  });

  it("gives up after six tries, naming object and store", async () => {
    server.misbehave((request) =>
      isPut(request) ? { kind: "answer", status: 500, code: "InternalError" } : null,
    );
    storage.resetCounts();
    await expect(storage.put("a", bytes("mine"))).rejects.toThrow(
      `cannot put 's3://test-bucket/root/a': ${server.endpoint} answered HTTP 500 InternalError`,
    );
    expect(storage.counts().put).toBe(6);
  });
});

describe("a read on S3", () => {
  it("is repeated when the body is cut off", async () => {
    const whole = bytes("0123456789".repeat(1_000));
    await storage.put("a", whole);
    server.misbehaveOnce(isGet, { kind: "truncate", bytes: 7 }, { kind: "truncate", bytes: 9_999 });
    const found = await storage.get("a");
    expect(found?.bytes).toEqual(whole);
    server.misbehaveOnce(isGet, { kind: "truncate", bytes: 3 });
    expect(decodeUtf8((await storage.getRange("a", 5, 10)) ?? bytes(""))).toBe("5678901234");
  });

  it("is repeated after a reset, a 500 and SlowDown", async () => {
    await storage.put("a", bytes("x"));
    server.misbehaveOnce(
      isGet,
      { kind: "reset" },
      { kind: "answer", status: 500, code: "InternalError" },
      SLOW_DOWN,
    );
    expect(await textAt("a")).toBe("x");
  });

  it("is repeated after a connection that breaks late", async () => {
    const late = await s3Fixture({ latencyMs: 5 });
    try {
      await late.storage.put("a", bytes("text"));
      for (const kind of ["reset", "lose-reply"] as const) {
        late.server.misbehaveOnce(isGet, { kind }, { kind });
        expect(decodeUtf8((await late.storage.get("a"))?.bytes ?? bytes(""))).toBe("text");
      }
    } finally {
      await late.server.stop();
    }
  });

  it("gives up on a body that never comes whole", async () => {
    await storage.put("a", bytes("0123456789"));
    server.misbehave((request) => (isGet(request) ? { kind: "truncate", bytes: 5 } : null));
    await expect(storage.get("a")).rejects.toThrow(
      /cannot get 's3:\/\/test-bucket\/root\/a': cannot reach http/,
    );
  });

  it("repeats head and list too", async () => {
    await storage.put("a", bytes("x"));
    server.misbehaveOnce(({ kind }) => kind === "head", { kind: "answer", status: 503 });
    expect((await storage.head("a"))?.size).toBe(1);
    server.misbehaveOnce(({ kind }) => kind === "list", { kind: "truncate", bytes: 60 }, { kind: "reset" });
    expect((await storage.list("")).objects).toHaveLength(1);
  });
});

describe("a stream from S3", () => {
  const whole = new Uint8Array(1_000_000).map((_, i) => (i * 31) % 251);

  it("goes on where the connection broke", async () => {
    await storage.put("a", whole);
    server.misbehaveOnce(isGet, { kind: "truncate", bytes: 400_000 }, { kind: "truncate", bytes: 100_000 });
    server.clearRequests();
    const found = await collect(await storage.getStream("a", 1_000));
    expect(sha256Hex(found)).toBe(sha256Hex(whole.subarray(1_000)));
    expect(server.count("get")).toBe(3);
  });

  it("does not splice two versions of an object", async () => {
    await storage.put("a", whole);
    server.misbehaveOnce(isGet, { kind: "truncate", bytes: 400_000 });
    const stream = await storage.getStream("a");
    await storage.put(
      "a",
      whole.map((byte) => byte ^ 1),
    );
    await expect(collect(stream)).rejects.toThrow("PreconditionFailed");
  });

  it("fails loudly when the object is deleted under it", async () => {
    await storage.put("a", whole);
    server.misbehaveOnce(isGet, { kind: "truncate", bytes: 400_000 });
    const stream = await storage.getStream("a");
    await storage.delete("a");
    await expect(collect(stream)).rejects.toThrow("'s3://test-bucket/root/a' was deleted while it was read");
  });

  it("gives up when no byte comes any more", async () => {
    await storage.put("a", whole);
    server.misbehave((request) => (isGet(request) ? { kind: "truncate", bytes: 0 } : null));
    await expect(collect(await storage.getStream("a"))).rejects.toThrow(/cannot get 's3:/);
  });
});

describe("a multipart upload to S3", () => {
  const uploadsLeft = () => server.buckets.get("test-bucket")?.uploads.size;

  it("sends one part beside the other, and counts them", async () => {
    storage.resetCounts();
    expect(await storage.putStream("a", parts(3))).toBe(3 * PART);
    // Begin, three parts, complete.
    expect(storage.counts().put).toBe(5);
    expect((await storage.get("a"))?.version).toMatch(/-3"$/);
  });

  it("is one put while it fits in one part", async () => {
    storage.resetCounts();
    expect(await storage.putStream("a", parts(1))).toBe(PART);
    expect(storage.counts().put).toBe(1);
  });

  it("repeats a part that failed", async () => {
    server.misbehaveOnce(({ query }) => query.get("partNumber") === "2", { kind: "lose-reply" }, SLOW_DOWN);
    await storage.putStream("a", parts(3));
    expect((await storage.head("a"))?.size).toBe(3 * PART);
  });

  it("is complete when the reply to the completion was lost", async () => {
    const completes = ({ method, query }: { method: string; query: URLSearchParams }) =>
      method === "POST" && query.has("uploadId");
    server.misbehaveOnce(completes, { kind: "lose-reply" });
    expect(await storage.putStream("a", parts(2))).toBe(2 * PART);
    expect((await storage.head("a"))?.size).toBe(2 * PART);
  });

  it("leaves neither object nor parts when a part fails for good", async () => {
    server.misbehave(({ query }) =>
      query.get("partNumber") === "2" ? { kind: "answer", status: 403, code: "AccessDenied" } : null,
    );
    await expect(storage.putStream("a", parts(6))).rejects.toThrow("access denied");
    expect(await storage.head("a")).toBeNull();
    expect(uploadsLeft()).toBe(0);
  });

  it("leaves neither object nor parts when the source fails", async () => {
    const failing = async function* () {
      yield* parts(2);
      throw new Error("the source broke");
    };
    await expect(storage.putStream("a", failing())).rejects.toThrow("the source broke");
    expect(await storage.head("a")).toBeNull();
    expect(uploadsLeft()).toBe(0);
  });
});

describe("requests to S3 sent side by side", () => {
  it("are under way side by side, in one wave", async () => {
    await server.stop();
    ({ server, storage } = await s3Fixture({ latencyMs: 30 }));
    await storage.put("a", bytes("x"));
    server.clearRequests();
    storage.resetCounts();
    await Promise.all(Array.from({ length: 20 }, () => storage.get("a")));
    expect(storage.counts()).toMatchObject({ get: 20, waves: 1 });
    expect(server.inFlightMax()).toBe(20);
  });
});
