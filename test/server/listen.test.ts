import { afterEach, describe, expect, it } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type Listener, listen, parseBind } from "../../src/server/listen.ts";
import { streamResponse } from "../../src/server/streams.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const open: Listener[] = [];
const listening = (fetch: (request: Request) => Response | Promise<Response>, bind = LOOPBACK) => {
  const listener = listen(bind, fetch);
  open.push(listener);
  return listener;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.stop()));
});

describe("a bind address", () => {
  it("is host:port, with IPv6 in brackets", () => {
    expect(parseBind("127.0.0.1:8080")).toEqual({ host: "127.0.0.1", port: 8080 });
    expect(parseBind(" [::1]:0 ")).toEqual({ host: "::1", port: 0 });
  });

  it("is refused when it is not, with an example", () => {
    for (const bind of ["8080", "localhost", ":8080", "::1:80", "host:", "host:65536", "host:8x", "[]:80"]) {
      expect(() => parseBind(bind)).toThrow("expected host:port, such as 127.0.0.1:8080");
    }
  });
});

describe("the listener", () => {
  it("tells the address that it really has", async () => {
    const four = listening(() => new Response("ok"));
    expect(four.address).toBe(`127.0.0.1:${four.port}`);
    expect(await (await fetch(`http://${four.address}/`)).text()).toBe("ok");
    const six = listening(() => new Response("ok"), { host: "::1", port: 0 });
    expect(six.address).toBe(`[::1]:${six.port}`);
  });

  it("says which address is taken", async () => {
    const occupant = createServer().listen(0, "127.0.0.1");
    await once(occupant, "listening");
    const { port } = occupant.address() as AddressInfo;
    expect(() => listening(() => new Response("ok"), { host: "127.0.0.1", port })).toThrow(
      `cannot listen on 127.0.0.1:${port}`,
    );
    occupant.close();
  });

  it("finishes what is in flight before it stops, and takes nothing new", async () => {
    let finish = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let arrived = () => {};
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const listener = listening(async () => {
      arrived();
      await held;
      return new Response("whole answer");
    });
    const answer = fetch(`http://${listener.address}/`);
    await arrival;
    const stopped = listener.stop();
    await expect(fetch(`http://${listener.address}/`, { keepalive: false })).rejects.toThrow();
    finish();
    expect(await (await answer).text()).toBe("whole answer");
    await stopped;
  });

  it("does not wait for the rest of a body that it refused unread", async () => {
    const listener = listening(() => new Response("too much", { status: 413 }));
    const client = connect(listener.port, "127.0.0.1");
    const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    client.write(`${head}${"x".repeat(100_000)}`);
    let answer = "";
    client.on("data", (chunk) => {
      answer += chunk;
    });
    await once(client, "close");
    expect(answer).toStartWith("HTTP/1.1 413");
    await listener.stop();
  });

  it("keeps the connection of a body that was read, or empty", async () => {
    const listener = listening(async (request) => new Response(await request.text()));
    for (const body of ["text", ""]) {
      const response = await fetch(`http://${listener.address}/`, { method: "POST", body });
      expect(response.headers.get("connection")).not.toBe("close");
    }
  });

  it("cuts the connection of a stream that fails, so that no client takes it for complete", async () => {
    const ends: unknown[] = [];
    async function* failing() {
      yield new TextEncoder().encode("first line\n");
      throw new Error("segment vanished");
    }
    const listener = listening(() =>
      streamResponse(failing(), "text/plain", (failure) => ends.push(failure)),
    );
    const whole = async () => await (await fetch(`http://${listener.address}/`)).text();
    await expect(whole()).rejects.toThrow();
    expect(ends).toEqual([expect.objectContaining({ message: "segment vanished" })]);
  });

  it("stops making a stream whose client has gone", async () => {
    let ended = () => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    async function* endless() {
      for (;;) yield new Uint8Array(65_536);
    }
    const listener = listening(() => streamResponse(endless(), "text/plain", ended));
    const gone = new AbortController();
    const response = await fetch(`http://${listener.address}/`, { signal: gone.signal });
    await response.body?.getReader().read();
    gone.abort();
    await end;
  });

  it("hands over bodies larger than the limit of any route, so that the route refuses them", async () => {
    const listener = listening((request) => new Response(request.headers.get("content-length")));
    const declared = 200 * 2 ** 20;
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(listener.port, "127.0.0.1");
      socket.on("data", (data) => {
        resolve(data.toString());
        socket.destroy();
      });
      socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${declared}\r\n\r\n`);
    });
    expect(answer).toContain(String(declared));
  });
});
