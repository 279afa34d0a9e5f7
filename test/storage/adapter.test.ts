import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { liveS3 } from "../../scripts/s3.ts";
import { systemPorts } from "../../src/lib/ports.ts";
import { ulid } from "../../src/lib/ulid.ts";
import { fileStorage, memoryStorage, openStorage } from "../../src/storage/index.ts";
import { startS3Server } from "../support/s3-server.ts";
import { describeStorageContract } from "./contract.ts";

const ports = systemPorts();
const directory = mkdtempSync(join(tmpdir(), "omnigraph-storage-"));
const own = await startS3Server();
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await own.stop();
});

/** A root that no other test uses, whichever server keeps it. */
const run = ulid(ports);
let roots = 0;
const nextRoot = () => `adapter-${run}/${++roots}`;

const onBucket = (server: { readonly bucket: string; readonly env: Readonly<Record<string, string>> }) =>
  openStorage(`s3://${server.bucket}/${nextRoot()}`, { ...ports, env: server.env });

describeStorageContract("memory", async () => memoryStorage(ports));
describeStorageContract("a directory", async () => fileStorage(join(directory, nextRoot()), ports));
describeStorageContract("the suite's own S3 server", () => onBucket(own));
describeStorageContract("a live S3 server", async () => onBucket(await liveS3()));
