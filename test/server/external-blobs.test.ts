import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyCluster, importCluster } from "../../src/cluster/index.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { openStorage } from "../../src/storage/index.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { cleanUp, type ServedCluster, serveCluster, temporaryFolder } from "./support/cluster.ts";
import { envelope } from "./support/service.ts";

const SCAN = "/graphs/scans/blob?entity=node&type=Scan&property=image&id=";

let s3: S3Server;
let served: ServedCluster;
let folder: string;

/** A served graph whose cluster allows one prefix of a bucket, and a local directory that a server must not use. */
beforeAll(async () => {
  s3 = await startS3Server({ buckets: ["media"] });
  const media = await openStorage("s3://media", { ...systemPorts(), env: s3.env });
  await media.put("in/a.bin", Buffer.from("alpha"));
  folder = temporaryFolder();
  writeFileSync(join(folder, "a.bin"), "alpha");
  writeFileSync(join(folder, "scans.pg"), "node Scan { name: String @key  image: Blob? }\n");
  writeFileSync(
    join(folder, "cluster.yaml"),
    [
      "version: 1",
      "graphs:",
      "  scans:",
      "    schema: scans.pg",
      "    external_blobs:",
      "      allow:",
      "        - { base: s3://media/in, scope: server_safe }",
      `        - { base: "file://${folder}", scope: embedded_only }`,
      "",
    ].join("\n"),
  );
  const options = { configDir: folder, ports: systemPorts() };
  for (const result of [await importCluster(options), await applyCluster({ ...options, actor: null })]) {
    expect(result.diagnostics).toEqual([]);
  }
  served = await serveCluster(folder, { unauthenticated: true }, s3.env);
});
afterAll(async () => {
  await cleanUp();
  await s3.stop();
});

const load = (name: string, image: string) =>
  served.send("POST", "/graphs/scans/load/ndjson?mode=merge", {
    body: `${JSON.stringify({ type: "Scan", data: { name, image } })}\n`,
    headers: { "content-type": "application/x-ndjson" },
  });
const mutate = (image: string) =>
  served.send("POST", "/graphs/scans/mutate", {
    json: {
      query: 'query add($image: Blob) { insert Scan { name: "m", image: $image } }',
      params: { image },
    },
  });

describe("a served graph with external blobs", () => {
  it("takes references below the bases that its cluster allows to servers", async () => {
    expect((await load("a", "s3://MEDIA/in/a.bin")).status).toBe(200);
    const found = await fetch(`http://${served.server.address}${SCAN}a`, { redirect: "manual" });
    expect([found.status, found.headers.get("location")]).toEqual([302, "s3://media/in/a.bin"]);
    expect((await mutate("s3://media/in/a.bin")).status).toBe(200);
  });

  it("refuses every other reference, and says which rule", async () => {
    for (const [image, status, phrase] of [
      ["s3://media/out/a.bin", 400, "URI is outside every configured external Blob base"],
      [`file://${folder}/a.bin`, 400, "URI is outside every configured external Blob base"],
      ["s3://key:secret@media/in/a.bin", 400, "external blob URI '<redacted>' is not allowed"],
      ["s3://media/in/none.bin", 424, "cannot read the external blob source 's3://media/in/none.bin'"],
    ] as const) {
      for (const response of [await load("b", image), await mutate(image)]) {
        expect([image, response.status]).toEqual([image, status]);
        const body = await envelope(response);
        expect(body.error).toContain(phrase);
        expect(body.code).toBe(status === 424 ? undefined : "bad_request");
        if (status === 424) {
          expect(body.external_blob_source).toEqual({ uri: image, reason: "no such object" });
        }
      }
    }
    expect((await served.send("GET", `${SCAN}b`)).status).toBe(404);
  });
});
