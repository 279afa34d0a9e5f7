// What the built binary asks of a bucket, counted by the server that answers it.

import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { systemPorts } from "../../src/lib/ports.ts";
import { ensureConditionalWrites, openStorage } from "../../src/storage/index.ts";
import { ADD_PERSON, copyToServer, FIND_PERSON, histories, personName } from "../support/history.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { BUILD_MS_MAX, binary, finish } from "./support.ts";

const DEPTH = 10;
const ROOT = "people.omni";

let server: S3Server;

beforeAll(async () => {
  const ports = systemPorts();
  server = await startS3Server();
  for (const bucket of (await histories([DEPTH], ports)).values()) copyToServer(bucket, server, ROOT);
  // The store shows once that it keeps conditional puts; who came before has done that.
  await ensureConditionalWrites(await openStorage(graph(), { ...ports, env: server.env }), ports);
  await binary();
}, BUILD_MS_MAX);
afterAll(() => server.stop());

const graph = () => `s3://${server.bucket}/${ROOT}`;

/** Runs the binary on the graph; answers what it asked of the bucket. */
async function requestsOf(...command: string[]): Promise<readonly string[]> {
  server.clearRequests();
  const words = [await binary(), ...command, "--store", graph()];
  const { code, stdout, stderr } = await finish(words, {
    env: { ...server.env, OMNIGRAPH_HOME: "/nonexistent" },
  });
  expect(code, stderr + stdout).toBe(0);
  return server.requests.map(({ method, key }) => `${method} ${key}`);
}

/** Shows the requests where there are too many: a number alone would not say why. */
function expectAtMost(requests: readonly string[], bound: number): void {
  expect(requests.length <= bound ? [] : requests, `${requests.length} requests`).toEqual([]);
}

const params = (name: string) => ["--params", JSON.stringify({ name })];

describe(`The binary on S3 after ${DEPTH} commits`, () => {
  it("inserts a row with at most 32 requests", async () => {
    expectAtMost(await requestsOf("mutate", "-e", ADD_PERSON, ...params("on-main")), 32);
  });

  it("finds a row by its key with at most 28 requests", async () => {
    expectAtMost(await requestsOf("query", "-e", FIND_PERSON, ...params(personName(0))), 28);
  });

  it("creates a branch with at most 10 requests, inserts on it with 40 and merges it with 48", async () => {
    expectAtMost(await requestsOf("branch", "create", "draft"), 10);
    expectAtMost(
      await requestsOf("mutate", "-e", ADD_PERSON, ...params("on-draft"), "--branch", "draft"),
      40,
    );
    expectAtMost(await requestsOf("branch", "merge", "draft"), 48);
  });
});
