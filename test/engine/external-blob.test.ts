import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BlobSelector, Graph } from "../../src/engine/graph.ts";
import { initGraph, openGraph } from "../../src/engine/index.ts";
import type { ExternalBlobBase } from "../../src/lib/external-uri.ts";
import { memoryStorage } from "../../src/storage/index.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { expectRefused, over, ports, refusal, type TestGraph, text } from "./support.ts";

const SCHEMA = "node Ship { imo: String @key  photo: Blob? }";

let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3Server({ buckets: ["media"] });
});
afterAll(() => s3.stop());

async function graphWith(bases: readonly ExternalBlobBase[] | null): Promise<TestGraph> {
  const storage = memoryStorage(ports);
  await initGraph({ storage, ports, schemaSource: SCHEMA });
  const options = { storage, ports: { ...ports, env: s3.env, sleep: async () => {} } };
  return over(storage, await openGraph(bases === null ? options : { ...options, externalBlobs: bases }));
}

const embedded = (directory: string): ExternalBlobBase => ({
  uri: `file://${directory}/`,
  scope: "embedded_only",
});
const media = (prefix = ""): ExternalBlobBase => ({ uri: `s3://media/${prefix}`, scope: "server_safe" });

const ship = (photo: string, imo = "S") => ({ type: "Ship", data: { imo, photo } });
const cell = (id = "S"): BlobSelector => ({ entity: "node", type: "Ship", id, property: "photo" });

async function storedUri(graph: Graph, id?: string): Promise<string> {
  const found = await graph.openBlob(cell(id));
  if (found.kind !== "external") throw new Error("expected an external reference");
  return found.uri;
}

/** A directory with a file in it, and what a test adds. */
function folder(): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "a.bin"), "alpha");
  return directory;
}

async function putObject(key: string): Promise<void> {
  const { openStorage } = await import("../../src/storage/index.ts");
  const storage = await openStorage("s3://media", { ...ports, env: s3.env });
  await storage.put(key, Buffer.from("x"));
}

describe("a new external reference", () => {
  it("is denied by a graph without a policy, whatever it names", async () => {
    const g = await graphWith(null);
    const denied = "new external Blob URI ingress is denied for this graph";
    await expectRefused(g.load([ship(`file://${folder()}/a.bin`)]), 400, denied);
    await expectRefused(g.load([ship("s3://media/a.bin")]), 400, denied);
    expect(await g.graph.commits()).toHaveLength(1);
  });

  it("is refused, without repeating it, when its text could point elsewhere or carry a secret", async () => {
    const g = await graphWith([media("in/")]);
    const bad = [
      " s3://media/in/a",
      "s3://media/in/a ",
      "s3://media\\in/a",
      "s3://user:hunter2@media/in/a",
      "s3://media/in/a?X-Amz-Signature=hunter2",
      "s3://media/in/a#hunter2",
      "s3://media:9000/in/a",
      "s3://media/in//a",
      "s3://media/in/a/",
      "s3://media/in/./a",
      "s3://media/in/../a",
      "s3://media/in/%2e%2E/a",
      "s3://media/in/..%2fa",
      "s3://media/in/a%5Cb",
      "s3://media/in/a%25b",
      "s3://media/in/a%00",
      "s3://media/in/a%0",
      "s3://me%64ia/in/a",
      "s3://",
      "http://media/in/a",
      "file://host/in/a",
      "data:text/plain,hunter2",
      "hunter2",
    ];
    for (const uri of bad) {
      const error = await refusal(g.load([ship(uri)]));
      expect([uri, error.status, error.message]).toEqual([
        uri,
        400,
        expect.stringContaining("external blob URI '<redacted>' is not allowed: "),
      ]);
      expect(JSON.stringify(error.toEnvelope())).not.toContain("hunter2");
    }
    expect(await g.graph.commits()).toHaveLength(1);
  });

  it("has at most 65,536 bytes", async () => {
    const g = await graphWith([media()]);
    const error = await refusal(g.load([ship(`s3://media/${"x".repeat(65_526)}`)]));
    expect(error.status).toBe(413);
    expect(error.details.resource_limit).toEqual({
      resource: "external Blob URI bytes",
      limit: 65_536,
      actual: 65_537,
    });
  });

  it("lies below a base, by component, and never is the base itself", async () => {
    const g = await graphWith([media("in/")]);
    for (const uri of [
      "s3://media/in",
      "s3://media/inner/a",
      "s3://media/out/a",
      "s3://other/in/a",
      "file:///in/a",
    ]) {
      await expectRefused(g.load([ship(uri)]), 400, "URI is outside every configured external Blob base");
    }
  });

  it("is stored in one spelling, as a reference, once its object was found", async () => {
    await putObject("in/ü b/~c");
    const g = await graphWith([media("in/")]);
    await g.load([ship("S3://Media/in/%c3%bc b/%7Ec")]);
    expect(await storedUri(g.graph)).toBe("s3://media/in/%C3%BC%20b/~c");
    expect((await g.storage.list("blobs/")).objects).toEqual([]);
    const source = 'query i($p: Blob) { insert Ship { imo: "M", photo: $p } }';
    await g.mutate(source, { p: "s3://media/in/%C3%BC%20b/~c" });
    expect(await storedUri(g.graph, "M")).toBe("s3://media/in/%C3%BC%20b/~c");
  });

  it("to an object that is missing is 424 that names it, and nothing is written", async () => {
    const g = await graphWith([media("in/")]);
    const error = await refusal(g.load([ship("base64:aGk=", "A"), ship("S3://MEDIA/in/none", "B")]));
    expect(error.status).toBe(424);
    expect(error.toEnvelope()).toMatchObject({
      external_blob_source: { uri: "s3://media/in/none", reason: "no such object" },
    });
    expect(error.toEnvelope().code).toBeUndefined();
    expect(await g.graph.commits()).toHaveLength(1);
    expect((await g.storage.list("blobs/")).objects).toEqual([]);
  });

  it("to a store that fails is 424 without what the store said", async () => {
    const g = await graphWith([{ uri: "s3://elsewhere/", scope: "server_safe" }]);
    s3.misbehave(({ kind }) =>
      kind === "head" ? { kind: "answer", status: 403, code: "AccessDenied" } : null,
    );
    const error = await refusal(g.load([ship("s3://elsewhere/a")]));
    s3.misbehave(() => null);
    expect(error.status).toBe(424);
    expect(JSON.stringify(error.toEnvelope())).not.toContain(s3.endpoint);
  });

  it("is asked about once for each object, at most 8 at a time", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => putObject(`many/${i}`)));
    const g = await graphWith([media("many/")]);
    s3.clearRequests();
    await g.load(Array.from({ length: 60 }, (_, i) => ship(`s3://media/many/${i % 20}`, `S${i}`)));
    expect(s3.count("head")).toBe(20);
    expect(s3.inFlightMax()).toBeLessThanOrEqual(8);
    expect(s3.count("get")).toBe(0);
  });
});

describe("a reference to a local file", () => {
  it("is stored by its real path", async () => {
    const directory = folder();
    mkdirSync(join(directory, "real"));
    writeFileSync(join(directory, "real/b c.bin"), "beta");
    symlinkSync(join(directory, "real"), join(directory, "link"));
    const g = await graphWith([embedded(directory)]);
    await g.load([ship(`file://${directory}/link/b%20c.bin`)]);
    expect(await storedUri(g.graph)).toBe(`file://${directory}/real/b%20c.bin`);
  });

  it("may not leave its base through a symbolic link", async () => {
    const directory = folder();
    const outside = folder();
    symlinkSync(join(outside, "a.bin"), join(directory, "out.bin"));
    const g = await graphWith([embedded(directory)]);
    await expectRefused(
      g.load([ship(`file://${directory}/out.bin`)]),
      400,
      "escapes its configured external Blob base",
    );
  });

  it("is 424 when there is no regular file, or none that may be read", async () => {
    const directory = folder();
    mkdirSync(join(directory, "sub"));
    const g = await graphWith([embedded(directory)]);
    for (const [name, reason] of [
      ["none", "no such file"],
      ["sub", "not a regular file"],
    ]) {
      const error = await refusal(g.load([ship(`file://${directory}/${name}`)]));
      expect(error.details.external_blob_source).toEqual({ uri: `file://${directory}/${name}`, reason });
    }
    if (process.getuid?.() === 0) return;
    chmodSync(join(directory, "a.bin"), 0);
    const error = await refusal(g.load([ship(`file://${directory}/a.bin`)]));
    expect(error.status).toBe(424);
  });

  it("may be written with the real path of a base that is a symbolic link", async () => {
    const directory = folder();
    const link = join(temporaryDirectory(), "base");
    symlinkSync(directory, link);
    const g = await graphWith([embedded(link)]);
    await g.load([ship(`file://${link}/a.bin`)]);
    const stored = await storedUri(g.graph);
    expect(stored).toBe(`file://${directory}/a.bin`);
    await g.load([ship(stored)]);
  });
});

describe("a stored external reference", () => {
  it("stays readable, exportable and mergeable when its object and the policy are gone", async () => {
    const directory = folder();
    const g = await graphWith([embedded(directory)]);
    await g.load([ship(`file://${directory}/a.bin`)]);
    rmSync(directory, { recursive: true });
    const denying = await openGraph({ storage: g.storage, ports });
    const uri = `file://${directory}/a.bin`;
    expect(await storedUri(denying)).toBe(uri);
    expect(await text(await denying.export({}))).toContain(`"photo":"${uri}"`);
    await denying.createBranch({ name: "b", actor: null });
    const branch = over(g.storage, denying);
    await branch.mutate('insert Ship { imo: "T" }', {}, "b");
    await branch.mutate('insert Ship { imo: "U" }');
    expect((await denying.merge({ source: "b", actor: null })).outcome).toBe("merged");
    expect(await storedUri(denying)).toBe(uri);
  });

  it("differs from every other kind of value", async () => {
    await putObject("a");
    const g = await graphWith([media()]);
    await g.load([ship("s3://media/a")]);
    await g.graph.createBranch({ name: "b", actor: null });
    await putObject("b");
    await g.load([ship("s3://media/b")], "merge", "b");
    await g.load([ship("base64:")]);
    const error = await refusal(g.graph.merge({ source: "b", actor: null }));
    expect(error.details.merge_conflicts?.[0]?.kind).toBe("divergent_update");
  });
});

describe("a policy", () => {
  it("with a base that is no URI keeps the graph from opening", async () => {
    await expectRefused(graphWith([{ uri: "s3://a b/", scope: "server_safe" }]), 400, "external blob base");
  });
});
