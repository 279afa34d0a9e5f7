import { afterEach, beforeEach, describe, expect, it } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/lib/utf8.ts";
import { fileError, linkError } from "../../src/storage/file-errors.ts";
import { ensureConditionalWrites, fileStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { BODY_BYTES, CLAIMS, INCREMENTS } from "./file-child-tasks.ts";

const ports = systemPorts();
const bytes = encodeUtf8;
const DAY_S = 24 * 60 * 60;
const isRoot = process.geteuid?.() === 0;

let directory: string;
let storage: StorageAdapter;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnigraph-file-"));
  storage = fileStorage(directory, ports);
});
afterEach(() => {
  chmodSync(directory, 0o755);
  rmSync(directory, { recursive: true, force: true });
});

/** Every file and directory below, temporary ones included. */
const everything = () => readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();

function child(task: "claim" | "increment" | "writeForever", id: number) {
  return Bun.spawn([process.execPath, join(import.meta.dir, "file-child.ts"), task, directory, String(id)], {
    stdout: "pipe",
    stderr: "inherit",
  });
}

describe("writing to a directory", () => {
  it("leaves plain files and no temporary ones", async () => {
    await storage.put("a/b", bytes("1"));
    await storage.put("a/b", bytes("2"));
    const won = await storage.putIfAbsent("a/c", bytes("1"));
    await storage.putIfAbsent("a/c", bytes("2"));
    await storage.putIfMatch("a/c", bytes("3"), won.outcome === "won" ? won.version : "");
    await storage.putIfMatch("a/c", bytes("4"), "other");
    await storage.putStream(
      "a/d",
      (async function* () {
        yield bytes("x");
      })(),
    );
    expect(everything()).toEqual(["a", "a/b", "a/c", "a/d"]);
  });

  it("makes the root, and directories that a concurrent delete removes, as often as it takes", async () => {
    const deep = fileStorage(join(directory, "not/yet/there"), ports);
    const churn = async (worker: number) => {
      for (let i = 0; i < 30; i++) {
        await deep.put(`x/${worker}/${i}`, bytes("1"));
        await deep.delete(`x/${worker}/${i}`);
      }
    };
    await Promise.all([churn(1), churn(1), churn(2), churn(3)]);
    expect((await deep.list("")).objects).toEqual([]);
  });

  it("ignores what it did not write itself only where it is temporary", async () => {
    writeFileSync(join(directory, "by-hand.json"), "{}");
    expect((await storage.list("")).objects.map(({ key }) => key)).toEqual(["by-hand.json"]);
    expect(decodeUtf8((await storage.get("by-hand.json"))?.bytes ?? bytes(""))).toBe("{}");
  });
});

describe("temporary files of writers that died", () => {
  const temporary = ".omnigraph-0123456789abcdef01234567";

  it("are no objects and no prefixes", async () => {
    mkdirSync(join(directory, "a"));
    writeFileSync(join(directory, "a", temporary), "half");
    expect(await storage.list("")).toEqual({ objects: [], prefixes: [], next: null });
    expect(await storage.list("", { delimiter: "/" })).toEqual({ objects: [], prefixes: [], next: null });
    expect(everything()).toContain(`a/${temporary}`);
  });

  it("are swept by a listing after a day", async () => {
    await storage.put("a/b", bytes("x"));
    const path = join(directory, "a", temporary);
    writeFileSync(path, "half");
    const old = Date.now() / 1_000 - DAY_S - 60;
    utimesSync(path, old, old);
    await storage.list("a/");
    expect(everything()).toEqual(["a", "a/b"]);
  });

  it("go when their directory is deleted", async () => {
    await storage.put("a/b", bytes("x"));
    writeFileSync(join(directory, "a", temporary), "half");
    await storage.deletePrefix("a/");
    expect(everything()).toEqual([]);
  });
});

describe("deleting from a directory", () => {
  it("removes the directories that become empty, and no others", async () => {
    await storage.put("a/b/c/d", bytes("x"));
    await storage.put("a/e", bytes("x"));
    await storage.delete("a/b/c/d");
    expect(everything()).toEqual(["a", "a/e"]);
    await storage.delete("a/e");
    expect(everything()).toEqual([]);
    expect(existsSync(directory)).toBe(true);
  });

  it("removes the directories of a deleted prefix", async () => {
    await storage.put("a/b/c", bytes("x"));
    await storage.put("a/b/d/e", bytes("x"));
    await storage.put("a/bb", bytes("x"));
    await storage.deletePrefix("a/b/");
    expect(everything()).toEqual(["a", "a/bb"]);
  });

  it("goes on where a deletion was interrupted", async () => {
    await storage.put("a/b", bytes("x"));
    mkdirSync(join(directory, "a/empty/deeper"), { recursive: true });
    await storage.deletePrefix("a/");
    expect(everything()).toEqual([]);
  });
});

describe("several processes on one directory", () => {
  it("never win the same name twice", async () => {
    const children = [1, 2, 3].map((id) => child("claim", id));
    const won = await Promise.all(
      children.map(async ({ stdout }) => Number(await new Response(stdout).text())),
    );
    expect(won.reduce((a, b) => a + b)).toBe(CLAIMS);
    expect((await storage.list("log/")).objects).toHaveLength(CLAIMS);
  });

  it("lose no increment of a counter that they share", async () => {
    await storage.put("counter", bytes("0"));
    const children = [1, 2, 3].map((id) => child("increment", id));
    expect(await Promise.all(children.map(({ exited }) => exited))).toEqual([0, 0, 0]);
    const found = await storage.get("counter");
    expect(decodeUtf8(found?.bytes ?? bytes(""))).toBe(String(3 * INCREMENTS));
    expect(everything()).toEqual(["counter"]);
  });

  it("leave whole objects, and no lock, when they are killed", async () => {
    for (let round = 0; round < 4; round++) {
      const writer = child("writeForever", round);
      await writer.stdout.getReader().read();
      await Bun.sleep(15 * round);
      writer.kill("SIGKILL");
      await writer.exited;
    }
    const { objects } = await storage.list("");
    for (const { key } of objects) {
      const body = (await storage.get(key))?.bytes ?? bytes("");
      expect(body.length).toBe(BODY_BYTES);
      expect(body.every((byte) => byte === body[0])).toBe(true);
    }
    await storage.put("whole", bytes("next"));
    const version = (await storage.get("whole"))?.version ?? "";
    expect((await storage.putIfMatch("whole", bytes("works"), version)).outcome).toBe("won");
  });
});

describe("a directory that cannot be written", () => {
  it("says permission denied, and where", async () => {
    await storage.put("a", bytes("x"));
    chmodSync(directory, 0o555);
    const asNobody = async (call: () => Promise<unknown>) => {
      if (isRoot) process.seteuid?.(65_534);
      try {
        return await call().then(
          () => "done",
          (thrown: unknown) => String(thrown),
        );
      } finally {
        if (isRoot) process.seteuid?.(0);
      }
    };
    const denied = (key: string, action: string) =>
      `OmnigraphError: cannot ${action} '${directory}/${key}': permission denied; give the user that runs omnigraph access`;
    expect(await asNobody(() => storage.put("b", bytes("x")))).toStartWith(denied("b", "write"));
    expect(await asNobody(() => storage.putIfAbsent("c/d", bytes("x")))).toStartWith(denied("c/d", "write"));
    expect(await asNobody(() => storage.delete("a"))).toStartWith(denied("a", "delete"));
    expect(await asNobody(() => storage.get("a"))).toBe("done");
    expect(everything()).toEqual(["a"]);
  });

  it("says that a component of the path is a file", async () => {
    await storage.put("a", bytes("x"));
    const below = storage.put("a/b", bytes("x"));
    await expect(below).rejects.toThrow(
      `cannot write '${directory}/a/b': a component of the path is a file where a directory is wanted`,
    );
    await expect(storage.putIfAbsent("a/b/c", bytes("x"))).rejects.toThrow(
      "a component of the path is a file",
    );
    expect(everything()).toEqual(["a"]);
  });

  it("says that there is a directory of that name", async () => {
    await storage.put("a/b", bytes("x"));
    const taken = `cannot write '${directory}/a': there is a directory of that name`;
    await expect(storage.put("a", bytes("x"))).rejects.toThrow(taken);
    await expect(storage.putIfAbsent("a", bytes("x"))).rejects.toThrow(taken);
    expect(everything()).toEqual(["a", "a/b"]);
  });

  it("says that a name is too long, which is the caller's mistake", async () => {
    const thrown = await storage.put("n".repeat(300), bytes("x")).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(OmnigraphError);
    expect((thrown as OmnigraphError).status).toBe(400);
    expect((thrown as OmnigraphError).message).toContain("longer than the file system allows");
    expect(
      await storage.get("n".repeat(300)).catch((error: unknown) => (error as OmnigraphError).status),
    ).toBe(400);
  });
});

const mount = (...args: string[]) => Bun.spawnSync(["mount", ...args], { stderr: "ignore" }).success;
/** A file system of 64 KiB, where this machine lets the tests mount one. */
const canMount = (() => {
  if (!isRoot || process.platform !== "linux") return false;
  const place = mkdtempSync(join(tmpdir(), "omnigraph-mount-"));
  const mounted = mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", place);
  if (mounted) Bun.spawnSync(["umount", place]);
  rmSync(place, { recursive: true });
  return mounted;
})();

describe.skipIf(!canMount)("a small file system", () => {
  beforeEach(() => {
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", directory);
  });
  afterEach(() => {
    Bun.spawnSync(["umount", "-l", directory]);
  });

  it("says that no space is left, keeps what was there, and works again when there is", async () => {
    await storage.put("kept", bytes("before"));
    await storage.put("large", new Uint8Array(40_000));
    const full = `cannot write '${directory}/kept': no space left on the device; free some space and try again`;
    await expect(storage.put("kept", new Uint8Array(100_000))).rejects.toThrow(full);
    await expect(storage.putIfAbsent("log/1", new Uint8Array(100_000))).rejects.toThrow("no space left");
    await expect(
      storage.putStream(
        "stream",
        (async function* () {
          yield new Uint8Array(20_000);
          yield new Uint8Array(20_000);
        })(),
      ),
    ).rejects.toThrow("no space left");
    expect(decodeUtf8((await storage.get("kept"))?.bytes ?? bytes(""))).toBe("before");
    expect((await storage.list("")).objects.map(({ key }) => key)).toEqual(["kept", "large"]);
    await storage.delete("large");
    await storage.putIfAbsent("log/1", new Uint8Array(20_000));
    expect(everything()).toEqual(["kept", "log", "log/1"]);
  });

  it("says that it is mounted read-only", async () => {
    await storage.put("a", bytes("x"));
    mount("-o", "remount,ro", directory);
    await expect(storage.put("b", bytes("x"))).rejects.toThrow(
      `cannot write '${directory}/b': the file system is mounted read-only; use a writable directory`,
    );
    await expect(storage.delete("a")).rejects.toThrow(
      `cannot delete '${directory}/a': the file system is mounted read-only`,
    );
    await expect(ensureConditionalWrites(storage, ports)).rejects.toThrow("mounted read-only");
    expect((await storage.get("a"))?.bytes.length).toBe(1);
    expect((await storage.list("")).objects).toHaveLength(1);
  });
});

describe("an errno", () => {
  const errno = (code: string) => Object.assign(new Error(`${code}: said the system`), { code });

  it("of link(2) names a file system without hard links", () => {
    for (const code of ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]) {
      const { message, kind } = linkError(errno(code), "/mnt/usb/x");
      expect(message).toStartWith(
        `the file system that holds '/mnt/usb/x' has no hard links (link: ${code})`,
      );
      expect(message).toContain("use a directory on a file system that has them");
      expect(kind).toBe("internal");
    }
    expect(linkError(errno("ENOSPC"), "/x").message).toContain("no space left");
  });

  it("that nobody expects is passed on with the place", () => {
    expect(fileError(errno("EIO"), "read", "/x/y").message).toBe("cannot read '/x/y': EIO: said the system");
  });

  it("names the directory where a file was to have a name of our own making", () => {
    expect(fileError(errno("EROFS"), "write", "/x/.omnigraph-0123").message).toStartWith(
      "cannot write in '/x': ",
    );
  });

  it("is kept as the cause", () => {
    expect(fileError(errno("ENOSPC"), "write", "/x").cause).toMatchObject({ code: "ENOSPC" });
  });
});

describe("the time of a change", () => {
  it("is the file's", async () => {
    await storage.put("a", bytes("x"));
    expect((await storage.head("a"))?.modifiedAt).toBe(statSync(join(directory, "a")).mtimeMs);
  });
});
