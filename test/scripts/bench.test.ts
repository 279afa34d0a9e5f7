// The parts of the benchmarks that could make a figure wrong.

import { afterAll, describe, expect, it } from "bun:test";
import { connect, prepared, textOf } from "../../scripts/bench/connection.ts";
import { summarize } from "../../scripts/bench/measure.ts";
import { renderTable } from "../../scripts/bench/table.ts";

describe("A summary of times", () => {
  it("takes the middle, the least and the 99th of 100", () => {
    const samples = Array.from({ length: 101 }, (_, i) => 100 - i);
    expect(summarize(samples)).toEqual({ runs: 101, min: 0, median: 50, p99: 99 });
  });

  it("gives the only sample there is", () => {
    expect(summarize([7])).toEqual({ runs: 1, min: 7, median: 7, p99: 7 });
  });
});

describe("The table", () => {
  it("marks what missed its figure", () => {
    const row = { work: "reads", measured: "2 ms", reach: "1 ms", peer: "" };
    const text = renderTable([
      { ...row, reached: true },
      { ...row, reached: false },
    ]);
    expect(text.split("\n").map((line) => line.includes("MISSED"))).toEqual([false, false, false, true]);
  });
});

describe("A connection", () => {
  const big = "x".repeat(3_000_000);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/big") return new Response(big);
      if (pathname === "/empty") return new Response("");
      if (pathname === "/gone") return new Response("nothing here", { status: 404 });
      return new Response(JSON.stringify(await request.json()));
    },
  });
  afterAll(() => server.stop(true));
  const open = () => connect("127.0.0.1", server.port ?? 0);

  it("asks one thing after the other and takes each whole answer", async () => {
    const connection = await open();
    expect(textOf(await connection.ask(prepared("/echo", { n: 1, text: "é" })))).toBe('{"n":1,"text":"é"}');
    expect(textOf(await connection.ask(prepared("/big", {})))).toHaveLength(big.length);
    expect(textOf(await connection.ask(prepared("/empty", {})))).toBe("");
    connection.close();
  });

  it("takes any status but 200 for an error and goes on", async () => {
    const connection = await open();
    await expect(connection.ask(prepared("/gone", {}))).rejects.toThrow("HTTP 404: nothing here");
    expect(textOf(await connection.ask(prepared("/echo", { n: 2 })))).toBe('{"n":2}');
    connection.close();
  });

  it("says when the server goes away instead of answering", async () => {
    const rude = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (socket) => {
          socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        },
      },
    });
    const connection = await connect("127.0.0.1", rude.port);
    await expect(connection.ask(prepared("/x", {}))).rejects.toThrow("closed the connection");
    rude.stop(true);
  });
});
