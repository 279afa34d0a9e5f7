import { describe, expect, it } from "bun:test";
import { envelope, testServer } from "./support/service.ts";

const G = "/graphs/harbor";
const READ = "query q() { match { $v: Port } return { $v.code } }";
const NDJSON = { "content-type": "application/x-ndjson" };
const JSON_TYPE = { "content-type": "application/json" };

/** A body without a declared length. */
function chunked(bytes: number, chunk = 65_536): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close();
      controller.enqueue(new Uint8Array(Math.min(chunk, left)).fill(0x20));
      left -= chunk;
    },
  });
}

describe("the size of a body", () => {
  it("is at most 1 MiB on JSON routes, declared or not", async () => {
    const { send } = await testServer();
    const padded = `${" ".repeat(1_100_000)}{}`;
    const declared = { ...JSON_TYPE, "content-length": "2097152" };
    for (const response of [
      await send("POST", `${G}/read`, { body: padded, headers: JSON_TYPE }),
      await send("POST", `${G}/export`, { body: chunked(2_097_152), headers: JSON_TYPE }),
      await send("POST", `${G}/export`, { body: "{}", headers: declared }),
      await send("POST", `${G}/queries/x`, { body: padded }),
    ]) {
      expect(response.status).toBe(413);
      const body = await envelope(response);
      expect(body).toMatchObject({ code: "bad_request" });
      expect(body.error).toContain("length limit");
    }
  });

  it("is at most 32 MiB on a load, declared or not", async () => {
    const { send, harbor } = await testServer();
    const declared = { ...NDJSON, "content-length": "33554433" };
    for (const response of [
      await send("POST", `${G}/load/ndjson`, { body: "x", headers: declared }),
      await send("POST", `${G}/load/ndjson`, { body: chunked(33_554_433, 1_048_576), headers: NDJSON }),
    ]) {
      expect(response.status).toBe(413);
      const body = await envelope(response);
      expect(body.error).toBe("graph-batch request body exceeds 33554432 bytes");
      expect(body.resource_limit).toMatchObject({ resource: "graph_batch_request_bytes", limit: 33554432 });
    }
    const fits = await send("POST", `${G}/load/ndjson`, { body: chunked(2_097_152), headers: NDJSON });
    expect(fits.status).toBe(200);
    expect(harbor.calls.at(-1)).toMatchObject({ name: "load", argument: { data: 2_097_152 } });
  });
});

describe("the bytes of a load", () => {
  it("must be UTF-8", async () => {
    const { send, harbor } = await testServer();
    const response = await send("POST", `${G}/load/ndjson`, {
      body: new Uint8Array([0x7b, 0xff]),
      headers: NDJSON,
    });
    expect(response.status).toBe(400);
    expect((await envelope(response)).error).toContain("UTF-8");
    expect(harbor.calls.some(({ name }) => name === "load")).toBe(false);
  });

  it("come with a mode that is known, merge by default", async () => {
    const { send, harbor } = await testServer();
    for (const [query, mode] of [
      ["", "merge"],
      ["?mode=append", "append"],
      ["?mode=overwrite", "overwrite"],
    ]) {
      await send("POST", `${G}/load/ndjson${query}`, { body: "", headers: NDJSON });
      expect(harbor.calls.at(-1)).toMatchObject({ name: "load", argument: { mode } });
    }
    const unknown = await send("POST", `${G}/load/ndjson?mode=upsert`, { body: "", headers: NDJSON });
    expect(unknown.status).toBe(400);
    expect((await envelope(unknown)).error).toContain("'upsert'");
  });
});

describe("the type of a body", () => {
  it("must be JSON on JSON routes", async () => {
    const { send } = await testServer();
    for (const type of ["text/plain", "application/x-ndjson", "application/jsonx", ""]) {
      const response = await send("POST", `${G}/export`, { body: "{}", headers: { "content-type": type } });
      expect({ type, status: response.status }).toEqual({ type, status: 415 });
      expect((await envelope(response)).error).toContain("Content-Type");
    }
    for (const type of ["application/json", "APPLICATION/JSON; charset=utf-8", "application/vnd.acme+json"]) {
      const response = await send("POST", `${G}/export`, { body: "{}", headers: { "content-type": type } });
      expect({ type, status: response.status }).toEqual({ type, status: 200 });
    }
  });

  it("must be NDJSON on a load", async () => {
    const { send } = await testServer();
    for (const [type, status] of [
      ["application/json", 415],
      ["text/plain", 415],
      ["Application/X-NDJSON; charset=utf-8", 200],
    ] as const) {
      const response = await send("POST", `${G}/load/ndjson`, {
        body: "",
        headers: { "content-type": type },
      });
      expect({ type, status: response.status }).toEqual({ type, status });
    }
  });
});

describe("the JSON of a body", () => {
  const refused = async (path: string, body: string, status = 400) => {
    const { send } = await testServer();
    const response = await send("POST", G + path, { body, headers: JSON_TYPE });
    expect(response.status).toBe(status);
    return String((await envelope(response)).error);
  };

  it("is refused where it is malformed, with the place", async () => {
    expect(await refused("/query", '{"query": "x",')).toContain("line 1 column");
    expect(await refused("/query", "")).toContain("needs a JSON body");
    expect(await refused("/query", "[]")).toContain("expected object, got array");
    expect(await refused("/query", "{}")).toContain("missing field `query`");
    expect(await refused("/query", `{"query_source":"${READ}"}`)).toContain("missing field `query`");
    expect(await refused("/query", '{"query": 7}')).toContain("field `query`: expected string, got number");
    expect(await refused("/query", `{"query":"${READ}","params":[1]}`)).toBe("params must be a JSON object");
  });

  it("is refused where it names a member twice, at any depth, or by two spellings", async () => {
    expect(await refused("/query", '{"query":"a","query":"b"}')).toContain("duplicate JSON member 'query'");
    expect(await refused("/query", '{"query":"a","params":{"x":1,"x":2}}')).toContain(
      "duplicate JSON member 'x'",
    );
    expect(await refused("/mutate", '{"query":"a","query_source":"b"}')).toContain("duplicate field `query`");
  });

  it("is refused where it is not UTF-8", async () => {
    const { send } = await testServer();
    const body = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
    const response = await send("POST", `${G}/query`, { body, headers: JSON_TYPE });
    expect(response.status).toBe(400);
    expect((await envelope(response)).error).toContain("UTF-8");
  });

  it("is refused with its line where a load is not UTF-8", async () => {
    const { send } = await testServer();
    const body = Buffer.from("{}\n\n\xff\n", "latin1");
    const response = await send("POST", `${G}/load/ndjson`, { body, headers: NDJSON });
    expect(response.status).toBe(400);
    expect((await envelope(response)).error).toBe("line 3: graph-batch request body is not UTF-8");
  });

  it("may carry members that nobody knows, but not in an export", async () => {
    const { send } = await testServer();
    expect((await send("POST", `${G}/query`, { json: { query: READ, shiny: 1 } })).status).toBe(200);
    expect(await refused("/export", '{"table_keys":[]}')).toContain("unknown field `table_keys`");
  });

  it("treats null as left out for names, and refuses it for flags and lists", async () => {
    const { send } = await testServer();
    const json = { query: READ, name: null, params: null, branch: null, snapshot: null };
    expect((await send("POST", `${G}/query`, { json })).status).toBe(200);
    expect(await refused("/export", '{"type_names":null}')).toContain("expected array, got null");
    expect(await refused("/branches/merge", '{"source":"a","delete_branch":null}')).toContain("got null");
  });

  it("keeps integers exact on their way to the engine", async () => {
    const { send, harbor } = await testServer();
    const body = `{"query":"${READ}","params":{"n":9007199254740993}}`;
    await send("POST", `${G}/query`, { body, headers: JSON_TYPE });
    expect(harbor.calls.at(-1)).toMatchObject({ argument: { params: { n: 9007199254740993n } } });
  });
});
