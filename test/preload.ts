// Runs once around the whole suite: stops the S3 server that the tests shared and says which one it was.

import { afterAll } from "bun:test";
import { stopLiveS3 } from "../scripts/s3.ts";

afterAll(async () => {
  const name = await stopLiveS3();
  console.error(`S3 server of this run: ${name ?? "none (no test asked for one)"}`);
});
