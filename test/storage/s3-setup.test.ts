import { afterAll, beforeAll, describe, expect, it } from "bun:test";
import { liveS3 } from "../../scripts/s3.ts";
import { OmnigraphError } from "../../src/lib/errors.ts";
import { encodeUtf8 } from "../../src/lib/utf8.ts";
import { openStorage, type StorageAdapter } from "../../src/storage/index.ts";
import { s3Config } from "../../src/storage/s3-config.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { hastyPorts, s3Fixture } from "./s3-fixture.ts";

const KEYS = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };
const open = (uri: string, env: Readonly<Record<string, string | undefined>>) =>
  openStorage(uri, hastyPorts(env));

function refusal(env: Readonly<Record<string, string>>): OmnigraphError {
  try {
    s3Config(env);
  } catch (thrown) {
    if (thrown instanceof OmnigraphError) return thrown;
  }
  throw new Error("the environment was accepted");
}

describe("the AWS_* environment", () => {
  it("means AWS itself in us-east-1, by host name, unless it says otherwise", () => {
    expect(s3Config(KEYS)).toEqual({
      endpoint: "https://s3.us-east-1.amazonaws.com",
      isCustomEndpoint: false,
      region: "us-east-1",
      forcePathStyle: false,
      credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    });
    expect(s3Config({ ...KEYS, AWS_REGION: "eu-north-1" }).endpoint).toBe(
      "https://s3.eu-north-1.amazonaws.com",
    );
    expect(s3Config({}).credentials).toBeNull();
  });

  it("takes the endpoint for S3 before the general one, and addresses by path there", () => {
    const general = { ...KEYS, AWS_ENDPOINT_URL: "https://general.example/" };
    expect(s3Config(general)).toMatchObject({ endpoint: "https://general.example", forcePathStyle: true });
    const both = { ...general, AWS_ENDPOINT_URL_S3: "https://s3.example:9000" };
    expect(s3Config(both)).toMatchObject({ endpoint: "https://s3.example:9000", isCustomEndpoint: true });
    expect(s3Config({ ...both, AWS_ENDPOINT_URL_S3: " " }).endpoint).toBe("https://general.example");
  });

  it("lets AWS_S3_FORCE_PATH_STYLE decide", () => {
    expect(s3Config({ ...KEYS, AWS_S3_FORCE_PATH_STYLE: "true" }).forcePathStyle).toBe(true);
    const custom = { ...KEYS, AWS_ENDPOINT_URL: "https://x.example", AWS_S3_FORCE_PATH_STYLE: "False" };
    expect(s3Config(custom).forcePathStyle).toBe(false);
  });

  it("passes a session token on", () => {
    expect(s3Config({ ...KEYS, AWS_SESSION_TOKEN: "token" }).credentials).toEqual({
      accessKeyId: "id",
      secretAccessKey: "secret",
      sessionToken: "token",
    });
  });

  it("refuses http:// unless AWS_ALLOW_HTTP is true", () => {
    const http = { ...KEYS, AWS_ENDPOINT_URL: "http://127.0.0.1:9000" };
    expect(refusal(http).status).toBe(400);
    expect(refusal(http).message).toContain("AWS_ENDPOINT_URL is 'http://127.0.0.1:9000'");
    expect(refusal({ ...http, AWS_ALLOW_HTTP: "false" }).message).toContain("set AWS_ALLOW_HTTP=true");
    for (const yes of ["true", "TRUE", "1", "yes", "on"]) {
      expect(s3Config({ ...http, AWS_ALLOW_HTTP: yes }).endpoint).toBe("http://127.0.0.1:9000");
    }
  });

  it("refuses what it cannot obey, by name", () => {
    expect(refusal({ ...KEYS, AWS_ENDPOINT_URL_S3: "s3.example" }).message).toContain(
      "AWS_ENDPOINT_URL_S3 is not",
    );
    expect(refusal({ ...KEYS, AWS_ENDPOINT_URL: "ftp://x" }).message).toContain("'ftp://x'");
    expect(refusal({ ...KEYS, AWS_S3_FORCE_PATH_STYLE: "maybe" }).message).toContain(
      "AWS_S3_FORCE_PATH_STYLE is 'maybe'",
    );
    expect(refusal({ AWS_ACCESS_KEY_ID: "id" }).message).toContain("AWS_SECRET_ACCESS_KEY is not set");
    expect(refusal({ AWS_SECRET_ACCESS_KEY: "secret" }).message).toContain("AWS_ACCESS_KEY_ID is not set");
    expect(refusal({ AWS_ENDPOINT_URL: "https://x.example" }).message).toContain(
      "no S3 credentials for https://x.example",
    );
  });

  it("never shows a secret in an error", () => {
    const message = refusal({ AWS_SECRET_ACCESS_KEY: "hush" }).message;
    expect(message).not.toContain("hush");
  });
});

/** Every call, none of which may take a broken set-up for a missing object. */
const CALLS: Readonly<Record<string, (storage: StorageAdapter) => Promise<unknown>>> = {
  get: (storage) => storage.get("a"),
  getRange: (storage) => storage.getRange("a", 0, 1),
  getStream: (storage) => storage.getStream("a"),
  head: (storage) => storage.head("a"),
  list: (storage) => storage.list(""),
  put: (storage) => storage.put("a", encodeUtf8("x")),
  putIfAbsent: (storage) => storage.putIfAbsent("a", encodeUtf8("x")),
  putIfMatch: (storage) => storage.putIfMatch("a", encodeUtf8("x"), '"0123456789abcdef0123456789abcdef"'),
  delete: (storage) => storage.delete("a"),
  deletePrefix: (storage) => storage.deletePrefix("a/"),
};

describe.each([
  ["the suite's own S3 server", () => startS3Server()],
  ["a live S3 server", () => liveS3()],
] as const)("a broken set-up, seen on %s", (_, start) => {
  let server: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly env: Readonly<Record<string, string>>;
  };
  beforeAll(async () => {
    server = await start();
  });

  for (const [name, call] of Object.entries(CALLS)) {
    it(`is a bucket that does not exist: ${name} names it`, async () => {
      const storage = await open("s3://no-such-bucket-here/root", server.env);
      await expect(call(storage)).rejects.toThrow(
        `there is no bucket 'no-such-bucket-here' at ${server.endpoint}`,
      );
    });

    it(`is an unknown access key: ${name} says which variables to check`, async () => {
      const storage = await open(`s3://${server.bucket}/root`, {
        ...server.env,
        AWS_ACCESS_KEY_ID: "nobody",
      });
      await expect(call(storage)).rejects.toThrow(/wrong credentials|access denied/);
    });
  }

  it("is a wrong secret", async () => {
    const storage = await open(`s3://${server.bucket}/root`, {
      ...server.env,
      AWS_SECRET_ACCESS_KEY: "wrong",
    });
    await expect(storage.get("a")).rejects.toThrow(
      `wrong credentials for ${server.endpoint} (SignatureDoesNotMatch); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY`,
    );
  });
});

describe("an endpoint that cannot be reached", () => {
  it("is named, with the reason", async () => {
    const storage = await open("s3://bucket/root", {
      ...KEYS,
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      AWS_ALLOW_HTTP: "1",
    });
    for (const call of Object.values(CALLS)) {
      await expect(call(storage)).rejects.toThrow(
        /'s3:\/\/bucket\/root.*cannot reach http:\/\/127\.0\.0\.1:1: ECONNREFUSED/,
      );
    }
  });

  it("may be a name that does not resolve", async () => {
    const storage = await open("s3://bucket", { ...KEYS, AWS_ENDPOINT_URL: "https://no-such-host.invalid" });
    await expect(storage.get("a")).rejects.toThrow(
      /cannot reach https:\/\/no-such-host\.invalid: .*ENOTFOUND/,
    );
  });
});

describe("a store's refusal", () => {
  let server: S3Server;
  let storage: StorageAdapter;
  beforeAll(async () => {
    ({ server, storage } = await s3Fixture());
  });
  afterAll(() => server.stop());

  it("is access denied, which is not the same as a missing object", async () => {
    server.misbehave(() => ({ kind: "answer", status: 403, code: "AccessDenied" }));
    await expect(storage.get("a")).rejects.toThrow("access denied");
    await expect(storage.head("a")).rejects.toThrow("access denied");
  });

  it("is a bucket in another region", async () => {
    server.misbehave(() => ({ kind: "answer", status: 301, code: "PermanentRedirect" }));
    await expect(storage.get("a")).rejects.toThrow(
      /bucket 'test-bucket' is not in the region that was asked .*AWS_REGION/,
    );
  });

  it("is a clock that is off", async () => {
    server.misbehave(() => ({ kind: "answer", status: 403, code: "RequestTimeTooSkewed" }));
    await expect(storage.get("a")).rejects.toThrow("the clock of this machine");
  });

  it("is expired credentials", async () => {
    server.misbehave(() => ({ kind: "answer", status: 400, code: "ExpiredToken" }));
    await expect(storage.get("a")).rejects.toThrow("AWS_SESSION_TOKEN");
  });
});

describe("a missing object", () => {
  it("costs one more request while nothing has shown that the bucket is there, and only then", async () => {
    const { server, storage } = await s3Fixture();
    expect(await storage.head("a")).toBeNull();
    expect(await storage.head("a")).toBeNull();
    expect(storage.counts()).toMatchObject({ head: 2, get: 1 });
    await server.stop();

    const other = await s3Fixture();
    expect(await other.storage.get("a")).toBeNull();
    expect(await other.storage.head("a")).toBeNull();
    expect(other.storage.counts()).toMatchObject({ get: 1, head: 1 });
    await other.server.stop();
  });
});
