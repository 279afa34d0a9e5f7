import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemPorts } from "../../src/lib/ports.ts";
import { fileStorage, memoryStorage } from "../../src/storage/index.ts";
import { describeStorageContract } from "./contract.ts";

const ports = systemPorts();
const directory = mkdtempSync(join(tmpdir(), "omnigraph-storage-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let roots = 0;
const nextRoot = () => `root-${++roots}`;

describeStorageContract("memory", async () => memoryStorage(ports));
describeStorageContract("a directory", async () => fileStorage(join(directory, nextRoot()), ports));
