// Takes the command line and the keys of RustFS and serves objects from memory: `--address HOST:PORT DIRECTORY`.

import { startS3Server } from "../support/s3-server.ts";

const [flag, address = "", directory = ""] = process.argv.slice(2);
const { RUSTFS_ACCESS_KEY: accessKeyId = "", RUSTFS_SECRET_KEY: secretAccessKey = "" } = process.env;
if (flag !== "--address" || directory === "") process.exit(2);
await startS3Server({
  buckets: [],
  key: { accessKeyId, secretAccessKey },
  port: Number(address.split(":")[1]),
});
