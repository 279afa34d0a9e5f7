// Runs once around the whole suite: stops the S3 server that the tests shared and says which one it was, and removes the
// directories that they left.

import { afterAll } from "bun:test";
import { stopLiveS3 } from "../scripts/s3.ts";
import { removeTemporaryDirectories } from "./support/temporary.ts";

afterAll(async () => {
  const name = await stopLiveS3();
  removeTemporaryDirectories();
  console.error(`S3 server of this run: ${name ?? "none (no test asked for one)"}`);
});
