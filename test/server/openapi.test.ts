import { describe, expect, it } from "bun:test";
import { join } from "node:path";
import type { JsonObject } from "../../src/lib/json.ts";
import { openApiDocument } from "../../src/server/openapi.ts";
import { TOKENS } from "./support/policies.ts";
import { testServer } from "./support/service.ts";

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly deprecated?: boolean;
  readonly security?: unknown;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly required?: boolean };
  readonly responses: Readonly<Record<string, unknown>>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, unknown>>;
    readonly securitySchemes?: unknown;
  };
}

const document = (secured: boolean) => openApiDocument({ secured }) as unknown as Document;
const operations = (of: Document) =>
  Object.entries(of.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
  );

const PUBLISHED = join(import.meta.dir, "../../src/server/openapi.json");

describe("the OpenAPI document", () => {
  it("is served without a token, with security exactly where tokens are asked for", async () => {
    const secured = await testServer({ tokens: TOKENS });
    expect(await (await secured.send("GET", "/openapi.json")).json()).toEqual(
      JSON.parse(JSON.stringify(document(true))),
    );
    const open = await testServer();
    const text = await (await open.send("GET", "/openapi.json")).text();
    expect(text).not.toContain("bearer_token");
    expect(text).not.toContain('"security"');
  });

  it("asks for the bearer token on every operation but health", () => {
    const of = document(true);
    expect(of.components.securitySchemes).toEqual({ bearer_token: { type: "http", scheme: "bearer" } });
    for (const { path, security } of operations(of)) {
      expect({ path, security }).toEqual({
        path,
        security: path === "/healthz" ? undefined : [{ bearer_token: [] }],
      });
    }
  });

  it("has unique operation ids, prefixed under a graph, where the first parameter is its id", () => {
    const all = operations(document(true));
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length);
    for (const { path, operationId, parameters, tags } of all) {
      const nested = path.startsWith("/graphs/{graph_id}/");
      expect(operationId.startsWith("cluster_")).toBe(nested);
      expect(tags).toHaveLength(1);
      if (!nested) expect(parameters).toBeUndefined();
      else expect(parameters?.[0]).toMatchObject({ name: "graph_id", in: "path", required: true });
    }
  });

  it("lists the routes that are served, with their statuses", () => {
    const statuses = Object.fromEntries(
      operations(document(true)).map(({ path, method, responses }) => [
        `${method} ${path.replace("/graphs/{graph_id}", "")}`,
        Object.keys(responses).join(" "),
      ]),
    );
    expect(statuses).toEqual({
      "get /healthz": "200",
      "get /graphs": "200 401 403 405",
      "get /snapshot": "200 400 401 403 404 410",
      "get /blob": "200 206 302 304 400 401 403 404 410 412 416 500",
      "head /blob": "200 302 304 400 401 403 404 410 412 500",
      "get /schema": "200 401 403 404 410",
      "post /schema/apply": "200 400 401 403 404 409 413 415 429",
      "post /query": "200 400 401 403 404 410 413 415",
      "post /read": "200 400 401 403 404 410 413 415",
      "get /queries": "200 401 403 404",
      "post /queries/{name}": "200 400 401 403 404 409 410 413 424 429 500 503",
      "post /queries/{name}/if-graph-commit": "200 400 401 403 404 409 410 412 413 424 429 500 503",
      "post /mutate": "200 400 401 403 404 409 413 415 424 429 503",
      "post /change": "200 400 401 403 404 409 413 415 424 429 503",
      "post /mutate/if-graph-commit": "200 400 401 403 404 409 412 413 415 424 429 503",
      "post /load": "200 400 401 403 404 409 413 415 424 429 503",
      "post /ingest": "200 400 401 403 404 409 413 415 424 429 503",
      "post /load/ndjson": "200 400 401 403 404 409 413 415 424 429 503",
      "post /export": "200 400 401 403 404 409 410 413 415 503",
      "get /branches": "200 401 403 404",
      "post /branches": "200 400 401 403 404 409 413 415 429 503",
      "delete /branches/{branch}": "200 401 403 404 409 429 503",
      "post /branches/merge": "200 400 401 403 404 409 413 415 424 429 503",
      "get /commits": "200 400 401 403 404",
      "get /commits/{commit_id}": "200 401 403 404",
      "get /commits/{commit_id}/changes": "200 400 401 404 409 410 413 500 503",
      "get /changes": "200 400 401 403 404 409 410 413 500 503",
      "post /changes/baseline": "200 400 401 403 404 413 415 500 503",
    });
  });

  it("lists what every route answers to a body that is too large or of another type", async () => {
    const { send } = await testServer();
    for (const { path, method, requestBody, responses } of operations(document(true))) {
      if (requestBody === undefined) continue;
      const url = path.replace("{graph_id}", "harbor").replace("{name}", "none");
      const headers = { "content-type": "text/html" };
      const [large, foreign] = [" ".repeat(2 ** 25 + 1), "{}"].map((body) => ({ body, headers }));
      for (const options of [large, foreign]) {
        const { status } = await send(method.toUpperCase(), url, options);
        expect({ path, status, isListed: String(status) in responses }).toEqual({
          path,
          status,
          isListed: true,
        });
      }
    }
  });

  it("marks the older spellings, and them alone, as deprecated", () => {
    const deprecated = operations(document(true)).filter((operation) => operation.deprecated === true);
    expect(deprecated.map(({ operationId }) => operationId).sort()).toEqual([
      "cluster_change",
      "cluster_ingest",
      "cluster_read",
    ]);
  });

  it("leaves the body of a stored query optional and demands every other", () => {
    for (const { path, requestBody } of operations(document(true))) {
      if (requestBody === undefined) continue;
      expect({ path, required: requestBody.required ?? false }).toEqual({
        path,
        required: !path.includes("/queries/"),
      });
    }
  });

  it("refers only to components that it has, and has none that nothing refers to", () => {
    const of = document(true);
    const referred = [...JSON.stringify(of).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    expect([...new Set(referred)].sort()).toEqual(Object.keys(of.components.schemas).sort());
  });

  it("gives the change routes their own failures and shapes, which know nothing of storage", () => {
    const of = document(true);
    const changes = operations(of).filter(({ tags }) => tags[0] === "changes");
    expect(changes.map(({ operationId }) => operationId).sort()).toEqual([
      "cluster_captureChangeBaseline",
      "cluster_getCommitChanges",
      "cluster_pollChanges",
    ]);
    for (const { responses } of operations(of)) {
      const isOfChanges = changes.some((operation) => operation.responses === responses);
      const failures = JSON.stringify(
        Object.fromEntries(Object.entries(responses).filter(([status]) => Number(status) >= 400)),
      );
      expect(failures.includes("/ChangeErrorOutput")).toBe(isOfChanges);
      if (isOfChanges) expect(failures).not.toContain("/ErrorOutput");
    }
    const names = Object.keys(of.components.schemas);
    for (const name of [
      "ChangeBaselineOutput",
      "ChangeBaselineRecord",
      "ChangeBaselineRequest",
      "ChangeBlockOutput",
      "ChangeCauseOutput",
      "ChangeDiffRefusalOutput",
      "ChangeDiffRefusalReason",
      "ChangeEndpointsOutput",
      "ChangeErrorOutput",
      "ChangeFeedGapOutput",
      "ChangeFeedOutput",
      "ChangeImageOutput",
      "ChangeOpOutput",
      "ChangeTypeOutput",
      "CommitChangesOutput",
      "EntityChangeOutput",
      "EntityKindOutput",
    ]) {
      expect(names).toContain(name);
    }
    const ofChanges = Object.entries(of.components.schemas).filter(
      ([name]) => /Change/.test(name) && name !== "ChangeOutput" && name !== "ChangeRequest",
    );
    expect(JSON.stringify(ofChanges)).not.toMatch(/table_key|fragment|row_addr|manifest_version|dataset/);
  });

  it("equals the file that is published with the source", async () => {
    const text = `${JSON.stringify(document(true), null, 2)}\n`;
    if (process.env.UPDATE_OPENAPI === "1") await Bun.write(PUBLISHED, text);
    expect(JSON.parse(await Bun.file(PUBLISHED).text()) as JsonObject).toEqual(
      JSON.parse(text) as JsonObject,
    );
  });
});
