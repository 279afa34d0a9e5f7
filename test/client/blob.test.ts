import { afterEach, describe, expect, it } from "bun:test";
import { remoteGraph } from "../../src/client/index.ts";
import type { BlobRange } from "../../src/engine/graph.ts";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { type Asked, type FakeServer, fakeServer } from "../cli/support.ts";

const CELL = { entity: "edge", type: "Tows", id: "a/b&c", property: "contract" } as const;
const IDENTITY = { etag: '"0123"', "omnigraph-snapshot-id": "01S", "accept-ranges": "bytes" };

const servers: FakeServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

function graphOf(answer: (asked: Asked) => Response | Promise<Response>) {
  const server = fakeServer(answer);
  servers.push(server);
  const connection = { ports: systemPorts(), base: server.url, token: "t", serverName: null };
  return { server, graph: remoteGraph(connection, "g") };
}

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

async function refusalOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof OmnigraphError) return thrown.message;
    throw thrown;
  }
  throw new Error("the request succeeded");
}

describe("a Blob of a served graph", () => {
  it("is asked for by cell, and by range in bytes", async () => {
    const { server, graph } = graphOf(({ method }) =>
      method === "HEAD"
        ? new Response(null, { headers: { ...IDENTITY, "content-length": "11" } })
        : new Response("ello", { status: 206, headers: { ...IDENTITY, "content-range": "bytes 1-4/11" } }),
    );
    expect(await graph.statBlob({ ...CELL, branch: "b" })).toEqual({
      kind: "managed",
      size: 11,
      etag: '"0123"',
      snapshot: "01S",
    });
    expect(await text(await graph.readBlob(CELL, { start: 1, end: 5 }))).toBe("ello");
    const cell = "entity=edge&type=Tows&id=a%2Fb%26c&property=contract";
    expect(server.asked.map(({ method, target }) => `${method} ${target}`)).toEqual([
      `HEAD /graphs/g/blob?${cell}&branch=b`,
      `GET /graphs/g/blob?${cell}`,
    ]);
    expect(server.asked[1].headers.get("range")).toBe("bytes=1-4");
    expect(server.asked[1].headers.get("accept-encoding")).toBe("identity");
  });

  it("that is external is told, never fetched", async () => {
    const headers = { location: "s3://media/a", "omnigraph-snapshot-id": "01S" };
    const { server, graph } = graphOf(() => new Response(null, { status: 302, headers }));
    expect(await graph.statBlob(CELL)).toEqual({ kind: "external", uri: "s3://media/a", snapshot: "01S" });
    expect(await refusalOf(() => graph.readBlob(CELL))).toContain("external Blob is not downloaded");
    expect(server.asked).toHaveLength(2);
  });

  it("is not taken from an answer that lacks what identifies it", async () => {
    const whole: BlobRange | undefined = undefined;
    const cases: readonly (readonly [() => Response, BlobRange | undefined, string])[] = [
      [() => new Response("x", { headers: { ...IDENTITY, etag: 'W/"0"' } }), whole, "no strong ETag"],
      [() => new Response("x", { headers: { etag: '"0"' } }), whole, "names no snapshot"],
      [() => new Response("x", { status: 206, headers: IDENTITY }), whole, "answered 206"],
      [() => new Response("x", { headers: IDENTITY }), { start: 0 }, "answered 200"],
      [() => part("x", "bytes 1-1/9"), { start: 0, end: 1 }, "another range"],
      [() => part("xy", "bytes 0-1/9"), { start: 0, end: 1 }, "another range"],
      [() => part("x", "bytes 0-1/9"), { start: 0, end: 2 }, "another range"],
      [() => part("x", "bytes 0-0/9"), { start: 0 }, "another range"],
      [() => part("x", "bytes */9"), { start: 0 }, "another range"],
      [() => new Response(slowly("x", "y"), { headers: IDENTITY }), whole, "no Content-Length"],
    ];
    for (const [answer, range, phrase] of cases) {
      const { graph } = graphOf(answer);
      const message = await refusalOf(() => graph.readBlob(CELL, range));
      expect(message).toStartWith("Blob delivery failed: ");
      expect(message).toContain(phrase);
    }
  });

  it("ends in a failure when the connection does before the value", async () => {
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (socket) => {
          const head = Object.entries(IDENTITY).map(([name, value]) => `${name}: ${value}\r\n`);
          socket.end(`HTTP/1.1 200 OK\r\n${head.join("")}content-length: 100\r\n\r\nonly this`);
        },
      },
    });
    const base = `http://127.0.0.1:${server.port}`;
    const graph = remoteGraph({ ports: systemPorts(), base, token: null, serverName: null }, "g");
    const message = await refusalOf(async () => text(await graph.readBlob(CELL)));
    expect(message).toMatch(/cut off|Blob delivery failed|could not reach/);
    server.stop(true);
  });
});

const part = (body: string, range: string) =>
  new Response(body, { status: 206, headers: { ...IDENTITY, "content-range": range } });

/** A body that comes in pieces, so that nobody knows its length beforehand. */
const slowly = (...pieces: string[]) =>
  new ReadableStream<Uint8Array>({
    async pull(controller) {
      await Bun.sleep(1);
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(Buffer.from(piece));
    },
  });
