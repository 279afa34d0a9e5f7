// A bucket on the suite's own S3 server, and ports that do not wait between two tries.

import { systemPorts } from "../../src/lib/ports.ts";
import { openStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { type S3Request, type S3Server, type S3ServerOptions, startS3Server } from "../support/s3-server.ts";

export const hastyPorts = (env: Readonly<Record<string, string | undefined>>) => ({
  ...systemPorts(),
  env,
  sleep: async () => {},
});

export interface S3Fixture {
  readonly server: S3Server;
  readonly storage: StorageAdapter;
}

export async function s3Fixture(options: S3ServerOptions = {}): Promise<S3Fixture> {
  const server = await startS3Server(options);
  return { server, storage: await openStorage(`s3://${server.bucket}/root`, hastyPorts(server.env)) };
}

export const isPut = ({ kind }: S3Request) => kind === "put";
export const isGet = ({ kind }: S3Request) => kind === "get";
