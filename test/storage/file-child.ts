// A process of its own on a directory, for the tests of races and sudden death: `bun file-child.ts <task> <directory> <id>`.

import { systemPorts } from "../../src/lib/ports.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/lib/utf8.ts";
import { fileStorage } from "../../src/storage/index.ts";
import { BODY_BYTES, CLAIMS, INCREMENTS } from "./file-child-tasks.ts";

const [task, directory, id] = process.argv.slice(2);
const storage = fileStorage(directory, systemPorts());

async function claim(): Promise<void> {
  let won = 0;
  for (let position = 0; position < CLAIMS; position++) {
    const { outcome } = await storage.putIfAbsent(`log/${position}`, encodeUtf8(id));
    if (outcome === "won") won++;
  }
  console.log(won);
}

async function increment(): Promise<void> {
  for (let done = 0; done < INCREMENTS; ) {
    const found = await storage.get("counter");
    if (found === null) throw new Error("the counter is gone");
    const next = encodeUtf8(String(Number(decodeUtf8(found.bytes)) + 1));
    if ((await storage.putIfMatch("counter", next, found.version)).outcome === "won") done++;
  }
}

/** Writes until it is killed; a body is one byte value throughout, so that a torn one shows. */
async function writeForever(): Promise<void> {
  console.log("writing");
  for (let i = 0; ; i++) {
    const body = new Uint8Array(BODY_BYTES).fill(i);
    await storage.putIfAbsent(`log/${id}-${i}`, body);
    await storage.put("whole", body);
    const found = await storage.get("whole");
    if (found !== null) await storage.putIfMatch("whole", body, found.version);
  }
}

const tasks: Readonly<Record<string, () => Promise<void>>> = { claim, increment, writeForever };
await tasks[task]();
