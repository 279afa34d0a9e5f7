import { describe, expect, it } from "bun:test";
import { bundle, OLEG, TOKENS, ZED } from "./support/policies.ts";
import { envelope, testServer } from "./support/service.ts";

const G = "/graphs/harbor";
const PORT = '{"type":"Port","data":{"code":"NOBGO"}}';

describe.each(["/load", "/ingest"])("POST %s", (path) => {
  it("hands its records to the permissive reader, into main and in merge mode unless told otherwise", async () => {
    const { send, harbor } = await testServer();
    const response = await send("POST", G + path, { json: { data: PORT, unknown: 1 } });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      uri: "memory://harbor",
      branch: "main",
      base_branch: null,
      branch_created: false,
      mode: "merge",
      total_entities: 0,
    });
    expect(harbor.calls.at(-1)).toMatchObject({
      name: "load",
      argument: { reader: "permissive", mode: "merge", branch: "main", data: PORT.length },
    });
    await send("POST", G + path, { json: { data: "", branch: " draft-7 ", from: null, mode: "append" } });
    expect(harbor.calls.at(-1)).toMatchObject({ argument: { mode: "append", branch: "draft-7" } });
  });

  it("creates a missing branch only where `from` says from what", async () => {
    const { send, harbor } = await testServer();
    const missing = await send("POST", G + path, { json: { data: "", branch: "intake" } });
    expect(missing.status).toBe(404);
    expect((await envelope(missing)).error).toBe("branch 'intake' not found; pass `from` to create it");
    const created = await send("POST", G + path, { json: { data: "", branch: "intake", from: "main" } });
    expect(await created.json()).toMatchObject({ branch_created: true, base_branch: "main" });
    expect(harbor.branchNames.has("intake")).toBe(true);
  });

  it("needs a JSON body with the records, of a known mode and of at most 32 MiB", async () => {
    const { send, harbor } = await testServer();
    const text = { body: "x", headers: { "content-type": "text/plain" } };
    expect((await send("POST", G + path, text)).status).toBe(415);
    for (const [json, phrase] of [
      [{}, "missing field `data`"],
      [{ data: 5 }, "field `data`: expected string"],
      [{ data: "", mode: "upsert" }, "field `mode`: expected one of"],
      [{ data: "", branch: "  " }, "branch name cannot be empty"],
    ] as const) {
      const response = await send("POST", G + path, { json });
      expect(response.status).toBe(400);
      expect((await envelope(response)).error).toContain(phrase);
    }
    const large = await send("POST", G + path, { json: { data: " ".repeat(33 * 1_048_576) } });
    expect(large.status).toBe(413);
    expect(harbor.calls).toEqual([]);
    const fits = await send("POST", G + path, { json: { data: " ".repeat(2 * 1_048_576) } });
    expect(fits.status).toBe(200);
  });

  it("is judged like any other write: change on the branch, and branch_create where it creates", async () => {
    const policies = { harbor: bundle([{ group: "curators", actions: ["change"] }]) };
    const { send, harbor } = await testServer({ tokens: TOKENS, policies });
    const post = (json: object, token?: string) => send("POST", G + path, { json, token });
    expect((await post({ data: PORT })).status).toBe(401);
    expect((await post({ data: PORT, branch: "nowhere" }, ZED)).status).toBe(403);
    expect((await post({ data: PORT }, OLEG)).status).toBe(200);
    expect((await post({ data: PORT, branch: "intake", from: "main" }, OLEG)).status).toBe(403);
    expect(harbor.branchNames.has("intake")).toBe(false);
  });

  it("refuses a precondition, which it has no route for", async () => {
    const { send } = await testServer();
    const headers = { "Omnigraph-If-Graph-Commit": "01K2ZJ6Q3V8E5T0M4RYB7WNXHC" };
    const response = await send("POST", G + path, { json: { data: PORT }, headers });
    expect(response.status).toBe(400);
  });
});

describe("the older spelling of the permissive load", () => {
  it("names its successor, which carries no such header", async () => {
    const { send } = await testServer();
    const older = await send("POST", `${G}/ingest`, { json: { data: "" } });
    expect(older.headers.get("deprecation")).toBe("true");
    expect(older.headers.get("link")).toBe('<load>; rel="successor-version"');
    const canonical = await send("POST", `${G}/load`, { json: { data: "" } });
    expect(canonical.headers.get("deprecation")).toBeNull();
    expect(canonical.headers.get("link")).toBeNull();
  });
});
