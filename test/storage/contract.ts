// What every storage adapter promises, as one suite that runs on each of them.

import { beforeEach, describe, expect, it } from "bun:test";
import { sha256Hex } from "../../src/lib/digest.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/lib/utf8.ts";
import type { ListOptions, StorageAdapter } from "../../src/storage/index.ts";

const bytes = encodeUtf8;
/** No object has this version. */
const OTHER_VERSION = '"0123456789abcdef0123456789abcdef"';
const MIB = 1_024 * 1_024;

async function textAt(storage: StorageAdapter, key: string): Promise<string | null> {
  const found = await storage.get(key);
  return found === null ? null : decodeUtf8(found.bytes);
}

async function versionAt(storage: StorageAdapter, key: string): Promise<string> {
  const found = await storage.get(key);
  if (found === null) throw new Error(`there is no ${key}`);
  return found.version;
}

async function collect(chunks: AsyncIterable<Uint8Array> | null): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks ?? []) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

async function* chunksOf(whole: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += chunkBytes) yield whole.subarray(at, at + chunkBytes);
}

async function listAll(storage: StorageAdapter, prefix: string, options: ListOptions = {}) {
  const pages = [];
  for (let startAfter = options.startAfter; ; ) {
    const page = await storage.list(prefix, startAfter === undefined ? options : { ...options, startAfter });
    pages.push({ keys: page.objects.map(({ key }) => key), prefixes: [...page.prefixes] });
    if (page.next === null) return pages;
    startAfter = page.next;
  }
}

const keysOf = async (storage: StorageAdapter, prefix: string, options?: ListOptions) =>
  (await listAll(storage, prefix, options)).flatMap(({ keys }) => keys);

function countOutcomes(outcomes: readonly { readonly outcome: string }[]) {
  return {
    won: outcomes.filter(({ outcome }) => outcome === "won").length,
    lost: outcomes.filter(({ outcome }) => outcome === "lost").length,
  };
}

/** Bytes that repeat nowhere within a part, so that parts in the wrong order are seen. */
function patterned(length: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2_654_435_761);
  return new Uint8Array(words.buffer, 0, length);
}

/** `open` gives an adapter on an empty root of its own. */
export function describeStorageContract(name: string, open: () => Promise<StorageAdapter>): void {
  describe(`storage on ${name}`, () => {
    let storage: StorageAdapter;
    beforeEach(async () => {
      storage = await open();
    });

    describe("get", () => {
      it("answers null where there is no object", async () => {
        expect(await storage.get("a")).toBeNull();
        expect(await storage.get("deep/below/nothing")).toBeNull();
      });

      it("answers null for a name that others only have as a component", async () => {
        await storage.put("a/b", bytes("x"));
        expect(await storage.get("a")).toBeNull();
        expect(await storage.head("a")).toBeNull();
        expect(await storage.getStream("a")).toBeNull();
      });

      it("answers null below the name of an object", async () => {
        await storage.put("a", bytes("x"));
        expect(await storage.get("a/b")).toBeNull();
        expect(await storage.head("a/b")).toBeNull();
        expect(await storage.getRange("a/b", 0, 1)).toBeNull();
      });

      it("answers exactly the bytes that were put", async () => {
        const whole = patterned(300_001);
        await storage.put("a", whole);
        const found = await storage.get("a");
        expect(found?.bytes.constructor).toBe(Uint8Array);
        expect(sha256Hex(found?.bytes ?? "")).toBe(sha256Hex(whole));
      });

      it("answers an empty object as empty, not as missing", async () => {
        await storage.put("a", bytes(""));
        expect((await storage.get("a"))?.bytes.length).toBe(0);
        expect((await storage.getRange("a", 0, 10))?.length).toBe(0);
        expect((await collect(await storage.getStream("a"))).length).toBe(0);
      });

      it("keeps keys with any characters apart", async () => {
        const keys = [
          "refs/feature%2Fx.json",
          "a b+c&d=e?f#g",
          "ü/€/𝄞",
          "q'\"<>\\|*",
          "~!@$^(){}[];:,`",
          "x.",
          ".y",
        ];
        for (const key of keys) await storage.put(key, bytes(key));
        for (const key of keys) expect(await textAt(storage, key)).toBe(key);
        expect(await keysOf(storage, "")).toHaveLength(keys.length);
      });
    });

    describe("getRange", () => {
      it("answers the bytes asked for, cut at the end", async () => {
        await storage.put("a", bytes("0123456789"));
        const range = async (offset: number, length: number) => {
          const found = await storage.getRange("a", offset, length);
          return found === null ? null : decodeUtf8(found);
        };
        expect(await range(0, 4)).toBe("0123");
        expect(await range(3, 4)).toBe("3456");
        expect(await range(8, 100)).toBe("89");
        expect(await range(10, 5)).toBe("");
        expect(await range(11, 5)).toBe("");
        expect(await range(4, 0)).toBe("");
      });

      it("answers ranges longer than what is read at once", async () => {
        const whole = patterned(2 * MIB);
        await storage.put("a", whole);
        const found = await storage.getRange("a", 12_345, MIB);
        expect(sha256Hex(found ?? "")).toBe(sha256Hex(whole.subarray(12_345, 12_345 + MIB)));
      });

      it("answers null where there is no object", async () => {
        expect(await storage.getRange("a", 0, 10)).toBeNull();
        expect(await storage.getRange("a", 5, 0)).toBeNull();
      });
    });

    describe("getStream", () => {
      it("streams the whole object, or the rest from an offset on", async () => {
        const whole = patterned(3 * MIB + 17);
        await storage.put("a", whole);
        expect(sha256Hex(await collect(await storage.getStream("a")))).toBe(sha256Hex(whole));
        expect(sha256Hex(await collect(await storage.getStream("a", 1_000_003)))).toBe(
          sha256Hex(whole.subarray(1_000_003)),
        );
        expect((await collect(await storage.getStream("a", whole.length))).length).toBe(0);
      });

      it("can be left early", async () => {
        await storage.put("a", patterned(3 * MIB));
        for await (const chunk of (await storage.getStream("a")) ?? []) {
          expect(chunk.length).toBeGreaterThan(0);
          break;
        }
        expect((await storage.head("a"))?.size).toBe(3 * MIB);
      });

      it("answers null where there is no object", async () => {
        expect(await storage.getStream("a")).toBeNull();
      });
    });

    describe("head", () => {
      it("answers key, size and the time of the last change", async () => {
        await storage.put("a/b", bytes("12345"));
        const info = await storage.head("a/b");
        expect(info?.key).toBe("a/b");
        expect(info?.size).toBe(5);
        expect(Math.abs((info?.modifiedAt ?? 0) - Date.now())).toBeLessThan(60_000);
      });

      it("answers null where there is no object", async () => {
        expect(await storage.head("a/b")).toBeNull();
      });
    });

    describe("put", () => {
      it("overwrites, and each body has its version", async () => {
        await storage.put("a", bytes("1"));
        const first = await versionAt(storage, "a");
        expect(await versionAt(storage, "a")).toBe(first);
        await storage.put("a", bytes("2"));
        expect(await versionAt(storage, "a")).not.toBe(first);
        expect(await textAt(storage, "a")).toBe("2");
      });

      it("keeps a copy: the caller may reuse its buffer", async () => {
        const buffer = bytes("before");
        await storage.put("a", buffer);
        buffer.fill(0x78);
        expect(await textAt(storage, "a")).toBe("before");
      });

      it("writes a view of a larger buffer, not the buffer", async () => {
        await storage.put("a", bytes("__inside__").subarray(2, 8));
        expect(await textAt(storage, "a")).toBe("inside");
      });

      it("lets the last of many side by side stand whole", async () => {
        const bodies = Array.from({ length: 16 }, (_, i) => String(i).repeat(5_000));
        await Promise.all(bodies.map((body) => storage.put("a", bytes(body))));
        expect(bodies).toContain((await textAt(storage, "a")) ?? "");
      });
    });

    describe("putIfAbsent", () => {
      it("creates an object once", async () => {
        const first = await storage.putIfAbsent("a/b", bytes("1"));
        expect(first.outcome).toBe("won");
        expect(await storage.putIfAbsent("a/b", bytes("2"))).toEqual({ outcome: "lost" });
        expect(await textAt(storage, "a/b")).toBe("1");
      });

      it("answers the version that get answers", async () => {
        const put = await storage.putIfAbsent("a", bytes("1"));
        expect((await storage.get("a"))?.version).toBe(put.outcome === "won" ? put.version : "not won");
      });

      it("can create the name again after a delete", async () => {
        await storage.putIfAbsent("a", bytes("1"));
        await storage.delete("a");
        expect((await storage.putIfAbsent("a", bytes("2"))).outcome).toBe("won");
      });

      it("has one winner among 64 racers", async () => {
        for (let round = 0; round < 3; round++) {
          const key = `race/${round}`;
          const outcomes = await Promise.all(
            Array.from({ length: 64 }, (_, racer) => storage.putIfAbsent(key, bytes(`racer ${racer}`))),
          );
          expect(countOutcomes(outcomes)).toEqual({ won: 1, lost: 63 });
          const winner = outcomes.findIndex(({ outcome }) => outcome === "won");
          expect(await textAt(storage, key)).toBe(`racer ${winner}`);
        }
      });
    });

    describe("putIfMatch", () => {
      it("replaces the version it names, once", async () => {
        await storage.put("a", bytes("1"));
        const first = await versionAt(storage, "a");
        const second = await storage.putIfMatch("a", bytes("2"), first);
        expect(second.outcome).toBe("won");
        expect((await storage.get("a"))?.version).toBe(second.outcome === "won" ? second.version : "not won");
        expect(await storage.putIfMatch("a", bytes("3"), first)).toEqual({ outcome: "lost" });
        expect(await textAt(storage, "a")).toBe("2");
      });

      it("loses on a missing object, and makes none", async () => {
        expect(await storage.putIfMatch("a/b", bytes("1"), OTHER_VERSION)).toEqual({ outcome: "lost" });
        expect(await storage.get("a/b")).toBeNull();
        expect(await keysOf(storage, "")).toEqual([]);
      });

      it("loses after the object was deleted", async () => {
        await storage.put("a", bytes("1"));
        const version = await versionAt(storage, "a");
        await storage.delete("a");
        expect(await storage.putIfMatch("a", bytes("2"), version)).toEqual({ outcome: "lost" });
      });

      it("has one winner among 16 racers, round after round", async () => {
        await storage.put("a", bytes("start"));
        let version = await versionAt(storage, "a");
        for (let round = 0; round < 5; round++) {
          const outcomes = await Promise.all(
            Array.from({ length: 16 }, (_, racer) =>
              storage.putIfMatch("a", bytes(`${round} ${racer}`), version),
            ),
          );
          expect(countOutcomes(outcomes)).toEqual({ won: 1, lost: 15 });
          const winner = outcomes.findIndex(({ outcome }) => outcome === "won");
          expect(await textAt(storage, "a")).toBe(`${round} ${winner}`);
          version = await versionAt(storage, "a");
        }
      });

      it("loses no increment of a counter that eight writers share", async () => {
        await storage.put("a", bytes("0"));
        const increment = async () => {
          for (;;) {
            const found = await storage.get("a");
            if (found === null) throw new Error("the counter is gone");
            const next = bytes(String(Number(decodeUtf8(found.bytes)) + 1));
            if ((await storage.putIfMatch("a", next, found.version)).outcome === "won") return;
          }
        };
        await Promise.all(Array.from({ length: 8 }, increment));
        expect(await textAt(storage, "a")).toBe("8");
      });
    });

    describe("putStream", () => {
      it("writes a small stream whole and answers its size", async () => {
        expect(await storage.putStream("a/b", chunksOf(bytes("0123456789"), 3))).toBe(10);
        expect(await textAt(storage, "a/b")).toBe("0123456789");
      });

      it("writes an empty stream as an empty object", async () => {
        expect(await storage.putStream("a", chunksOf(bytes(""), 3))).toBe(0);
        expect((await storage.head("a"))?.size).toBe(0);
      });

      it("writes many parts in order", async () => {
        const whole = patterned(17 * MIB + 5);
        expect(await storage.putStream("a", chunksOf(whole, 777_777))).toBe(whole.length);
        expect(sha256Hex((await storage.get("a"))?.bytes ?? "")).toBe(sha256Hex(whole));
      });

      it("overwrites", async () => {
        await storage.put("a", bytes("old"));
        await storage.putStream("a", chunksOf(bytes("new"), 1));
        expect(await textAt(storage, "a")).toBe("new");
      });

      it("leaves nothing, and what was there, when the stream fails", async () => {
        const failing = async function* (length: number) {
          yield new Uint8Array(length);
          throw new Error("the source broke");
        };
        await storage.put("there", bytes("old"));
        await expect(storage.putStream("new", failing(10))).rejects.toThrow("the source broke");
        await expect(storage.putStream("there", failing(9 * MIB))).rejects.toThrow("the source broke");
        expect(await textAt(storage, "there")).toBe("old");
        expect(await keysOf(storage, "")).toEqual(["there"]);
      });
    });

    describe("list", () => {
      const KEYS = ["a", "a-b", "a.b", "a/1", "a/2/x", "a/2/y", "a/3", "a0", "b/1", "b/1.json", "c"];

      it("answers nothing below an empty root", async () => {
        expect(await storage.list("")).toEqual({ objects: [], prefixes: [], next: null });
        expect(await storage.list("none/such")).toEqual({ objects: [], prefixes: [], next: null });
      });

      it("answers keys in byte order with size and time", async () => {
        // "a" itself cannot be both a file and a directory.
        const keys = KEYS.slice(1);
        for (const key of keys) await storage.put(key, bytes(key));
        expect(await keysOf(storage, "")).toEqual(keys);
        const { objects } = await storage.list("a/2/");
        expect(objects.map(({ size }) => size)).toEqual([5, 5]);
        expect(Math.abs(objects[0].modifiedAt - Date.now())).toBeLessThan(60_000);
      });

      it("orders by bytes of UTF-8, not by UTF-16 units", async () => {
        for (const key of ["\u{1F600}", "\uFFFD", "é", "z"]) await storage.put(key, bytes("x"));
        expect(await keysOf(storage, "")).toEqual(["z", "é", "\uFFFD", "\u{1F600}"]);
      });

      it("takes a prefix that ends anywhere", async () => {
        for (const key of KEYS.slice(1)) await storage.put(key, bytes("x"));
        expect(await keysOf(storage, "a/")).toEqual(["a/1", "a/2/x", "a/2/y", "a/3"]);
        expect(await keysOf(storage, "a/2")).toEqual(["a/2/x", "a/2/y"]);
        expect(await keysOf(storage, "b/1")).toEqual(["b/1", "b/1.json"]);
        expect(await keysOf(storage, "a.")).toEqual(["a.b"]);
        expect(await keysOf(storage, "a/2/x/")).toEqual([]);
      });

      it("starts after a key, whether or not it exists", async () => {
        for (const key of KEYS.slice(1)) await storage.put(key, bytes("x"));
        expect(await keysOf(storage, "a/", { startAfter: "a/2/x" })).toEqual(["a/2/y", "a/3"]);
        expect(await keysOf(storage, "", { startAfter: "a/2/z" })).toEqual([
          "a/3",
          "a0",
          "b/1",
          "b/1.json",
          "c",
        ]);
        expect(await keysOf(storage, "", { startAfter: "z" })).toEqual([]);
        expect(await keysOf(storage, "b/", { startAfter: "a" })).toEqual(["b/1", "b/1.json"]);
      });

      it("pages", async () => {
        const keys = Array.from({ length: 7 }, (_, i) => `log/${String(i).padStart(20, "0")}.json`);
        for (const key of keys) await storage.put(key, bytes("x"));
        const pages = await listAll(storage, "log/", { pageSize: 3 });
        expect(pages.map((page) => page.keys)).toEqual([keys.slice(0, 3), keys.slice(3, 6), keys.slice(6)]);
        const even = await listAll(storage, "log/", { pageSize: 7 });
        expect(even.map((page) => page.keys.length)).toEqual([7]);
      });

      it("gathers what lies below the delimiter", async () => {
        for (const key of KEYS.slice(1)) await storage.put(key, bytes("x"));
        expect(await listAll(storage, "", { delimiter: "/" })).toEqual([
          { keys: ["a-b", "a.b", "a0", "c"], prefixes: ["a/", "b/"] },
        ]);
        expect(await listAll(storage, "a/", { delimiter: "/" })).toEqual([
          { keys: ["a/1", "a/3"], prefixes: ["a/2/"] },
        ]);
        expect(await listAll(storage, "a", { delimiter: "/" })).toEqual([
          { keys: ["a-b", "a.b", "a0"], prefixes: ["a/"] },
        ]);
      });

      it("pages over gathered prefixes without repeating or missing one", async () => {
        for (const key of ["a/1", "a/2", "b", "c/1", "c/2", "d/1", "e"]) await storage.put(key, bytes("x"));
        const pages = await listAll(storage, "", { delimiter: "/", pageSize: 2 });
        expect(pages.flatMap(({ prefixes }) => prefixes)).toEqual(["a/", "c/", "d/"]);
        expect(pages.flatMap(({ keys }) => keys)).toEqual(["b", "e"]);
        expect(pages.every(({ keys, prefixes }) => keys.length + prefixes.length <= 2)).toBe(true);
      });
    });

    describe("delete", () => {
      it("removes an object and minds no missing one", async () => {
        await storage.put("a/b/c", bytes("x"));
        await storage.delete("a/b/c");
        await storage.delete("a/b/c");
        await storage.delete("never/was");
        expect(await storage.get("a/b/c")).toBeNull();
        expect(await keysOf(storage, "")).toEqual([]);
      });

      it("leaves what lies below the same name", async () => {
        await storage.put("a/b", bytes("x"));
        await storage.delete("a");
        expect(await textAt(storage, "a/b")).toBe("x");
      });

      it("removes every object with a prefix, and no other", async () => {
        for (const key of ["a/1", "a/2/x", "a/2/y", "a/22", "b"]) await storage.put(key, bytes("x"));
        await storage.deletePrefix("a/2");
        expect(await keysOf(storage, "")).toEqual(["a/1", "b"]);
        await storage.deletePrefix("a/");
        await storage.deletePrefix("a/");
        expect(await keysOf(storage, "")).toEqual(["b"]);
        await storage.deletePrefix("");
        expect(await keysOf(storage, "")).toEqual([]);
      });
    });

    describe("under", () => {
      it("is the same storage one prefix down", async () => {
        const graph = storage.under("graphs/x.omni");
        expect(graph.uri).toBe(`${storage.uri}/graphs/x.omni`);
        expect(graph.endpoint).toBe(storage.endpoint);
        await graph.put("graph.json", bytes("{}"));
        expect(await textAt(storage, "graphs/x.omni/graph.json")).toBe("{}");
        expect(await keysOf(graph, "")).toEqual(["graph.json"]);
        expect((await graph.head("graph.json"))?.key).toBe("graph.json");
        await storage.put("graphs/x.omni-other/y", bytes("x"));
        await graph.deletePrefix("");
        expect(await keysOf(storage, "")).toEqual(["graphs/x.omni-other/y"]);
      });
    });

    describe("a bad key", () => {
      const BAD = [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "a/./b",
        "a\0b",
        ".omnigraph-x",
        `${"k".repeat(1_025)}`,
      ];

      it("is refused by every call, with its name", async () => {
        for (const key of BAD) {
          const calls = [
            () => storage.get(key),
            () => storage.getRange(key, 0, 1),
            () => storage.getStream(key),
            () => storage.head(key),
            () => storage.put(key, bytes("x")),
            () => storage.putStream(key, chunksOf(bytes("x"), 1)),
            () => storage.putIfAbsent(key, bytes("x")),
            () => storage.putIfMatch(key, bytes("x"), OTHER_VERSION),
            () => storage.delete(key),
          ];
          for (const call of calls) {
            await expect((async () => call())()).rejects.toThrow(/storage key/);
          }
        }
        await expect((async () => storage.list("a/../b"))()).rejects.toThrow(/storage key/);
      });
    });

    describe("counts", () => {
      it("counts requests by kind, shared with what lies under it", async () => {
        storage.resetCounts();
        const below = storage.under("x");
        await below.put("a", bytes("1"));
        await below.putIfAbsent("a", bytes("1"));
        await storage.get("x/a");
        await storage.get("none");
        await storage.getRange("x/a", 0, 1);
        await storage.head("none");
        await storage.list("");
        await storage.delete("x/a");
        expect(storage.counts()).toMatchObject({
          get: 3,
          put: 2,
          head: 1,
          list: 1,
          delete: 1,
          total: 8,
          waves: 8,
        });
        expect(below.counts()).toEqual(storage.counts());
        storage.resetCounts();
        expect(storage.counts()).toEqual({ get: 0, put: 0, head: 0, list: 0, delete: 0, total: 0, waves: 0 });
      });

      it("counts what is sent side by side as one wave", async () => {
        storage.resetCounts();
        await Promise.all(Array.from({ length: 20 }, (_, i) => storage.get(`none/${i}`)));
        await Promise.all([storage.get("a"), storage.head("b")]);
        expect(storage.counts()).toMatchObject({ get: 21, head: 1, waves: 2 });
      });
    });
  });
}
