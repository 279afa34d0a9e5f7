import { describe, expect, it } from "bun:test";
import { Message, tableFromArrays, tableToIPC } from "apache-arrow";
import { encodeArrowFile } from "../../src/store/arrow-file.ts";
import { messageAt } from "../../src/store/arrow-message.ts";
import { utf8ColumnOf } from "../../src/store/column-builder.ts";

const MAGIC_BYTES = 8;

function someFile(): Uint8Array {
  const texts = (name: string) => ({
    name,
    stableId: null,
    column: utf8ColumnOf(["a", "bb", "ccc", "dddd", "eeeee"]),
  });
  return encodeArrowFile([texts("src"), texts("dst"), texts("id")], 5, 2, { answer: "42" });
}

/** Every message of a file, as this store reads it. */
function messagesOf(file: Uint8Array) {
  const messages = [];
  for (let at = MAGIC_BYTES; ; ) {
    const message = messageAt(file, at);
    if (message === null) return messages;
    messages.push({ at, message });
    at = message.bodyStart + message.bodyLength;
  }
}

describe("an Arrow message", () => {
  it("reads as the Arrow package reads it", () => {
    const file = someFile();
    const messages = messagesOf(file);
    expect(messages.map(({ message }) => message.recordBatch?.rows ?? null)).toEqual([null, 2, 2, 1]);
    for (const { at, message } of messages) {
      const theirs = Message.decode(file.subarray(at + 8, message.bodyStart));
      expect(message.bodyLength).toBe(theirs.bodyLength);
      if (!theirs.isRecordBatch()) continue;
      const header = theirs.header();
      expect(message.recordBatch).toEqual({
        rows: header.length,
        nodes: header.nodes.map(({ length, nullCount }) => ({ length, nullCount })),
        buffers: header.buffers.map(({ offset, length }) => ({ offset, length })),
      });
    }
  });

  it("reads what another writer wrote", () => {
    const stream = tableToIPC(tableFromArrays({ n: Int32Array.of(1, 2, 3) }), "stream");
    const schema = messageAt(stream, 0);
    expect(schema?.recordBatch).toBeNull();
    const batch = messageAt(stream, (schema?.bodyStart ?? 0) + (schema?.bodyLength ?? 0));
    expect(batch?.recordBatch?.rows).toBe(3);
  });

  it("is none where the bytes are no message", () => {
    const file = someFile();
    expect(messageAt(file, 0)).toBeNull();
    expect(messageAt(file, file.length)).toBeNull();
    expect(messageAt(file, file.length - 3)).toBeNull();
    expect(messageAt(new Uint8Array(64), 0)).toBeNull();
  });

  it("is whole or none where its metadata is damaged, whatever bit was lost", () => {
    const file = someFile();
    const [, batch] = messagesOf(file);
    const end = batch.message.bodyStart;
    for (let at = batch.at; at < end; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = file.slice();
        damaged[at] ^= 1 << bit;
        expect(() => messageAt(damaged, batch.at)).not.toThrow();
      }
      expect(messageAt(file.slice(0, at), batch.at)).toBeNull();
    }
  });
});
