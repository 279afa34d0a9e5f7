import { describe, expect, it } from "bun:test";
import { systemPorts } from "../../src/lib/ports.ts";
import { createStreamSlots, streamResponse } from "../../src/server/streams.ts";

/** Ports whose every sleep ends when the test says so. */
function heldSleep() {
  const wakers: (() => void)[] = [];
  const sleep = () => new Promise<void>((resolve) => wakers.push(resolve));
  return { ports: { ...systemPorts(), sleep }, wake: () => wakers.splice(0).map((waker) => waker()) };
}

const takeEight = async (slots: ReturnType<typeof createStreamSlots>) =>
  await Promise.all(Array.from({ length: 8 }, () => slots.take()));

describe("export capacity", () => {
  it("refuses the ninth stream after the wait, with the numbers", async () => {
    const { ports, wake } = heldSleep();
    const slots = createStreamSlots(ports);
    await takeEight(slots);
    const ninth = slots.take();
    wake();
    await expect(ninth).rejects.toMatchObject({
      status: 413,
      message: "resource limit exceeded for stream_export_transport_bytes: actual 2359296, limit 2097152",
      details: {
        resource_limit: { resource: "stream_export_transport_bytes", limit: 2097152, actual: 2359296 },
      },
    });
  });

  it("hands a freed slot to whoever waits, once", async () => {
    const { ports, wake } = heldSleep();
    const slots = createStreamSlots(ports);
    const [first, second] = await takeEight(slots);
    const ninth = slots.take();
    first?.();
    first?.();
    const release = await ninth;
    const tenth = slots.take();
    wake();
    await expect(tenth).rejects.toThrow("stream_export_transport_bytes");
    release();
    second?.();
    await slots.take();
    await slots.take();
    const late = slots.take();
    wake();
    await expect(late).rejects.toThrow("stream_export_transport_bytes");
  });
});

describe("a streamed answer", () => {
  async function* chunks(seen: string[], count = 3) {
    try {
      for (let index = 0; index < count; index++) {
        seen.push(`made ${index}`);
        yield new TextEncoder().encode(`${index}\n`);
      }
    } finally {
      seen.push("ended");
    }
  }

  it("carries every chunk and says when it is done", async () => {
    const ends: unknown[] = [];
    const response = streamResponse(chunks([]), "text/plain", (failure) => ends.push(failure));
    expect(await response.text()).toBe("0\n1\n2\n");
    expect(ends).toEqual([undefined]);
  });

  it("makes nothing that nobody reads", async () => {
    const seen: string[] = [];
    const response = streamResponse(chunks(seen), "text/plain", () => {});
    const reader = response.body?.getReader();
    await reader?.read();
    expect(seen).toEqual(["made 0"]);
  });

  it("ends its source when the client goes away", async () => {
    const seen: string[] = [];
    const ends: unknown[] = [];
    const response = streamResponse(chunks(seen), "text/plain", (failure) => ends.push(failure));
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    expect(seen).toEqual(["made 0", "ended"]);
    expect(ends).toEqual([undefined]);
  });

  it("breaks off when its source fails", async () => {
    const failure = new Error("segment vanished");
    const ends: unknown[] = [];
    async function* failing() {
      yield new Uint8Array(1);
      throw failure;
    }
    const response = streamResponse(failing(), "text/plain", (error) => ends.push(error));
    await expect(response.text()).rejects.toThrow("segment vanished");
    expect(ends).toEqual([failure]);
  });
});
