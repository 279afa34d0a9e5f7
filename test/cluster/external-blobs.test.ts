import { afterEach, describe, expect, it } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { normalizeBlobPolicy } from "../../src/cluster/external-blobs.ts";
import type { ExternalScope } from "../../src/lib/external-uri.ts";
import { folder, removeFolders } from "./support.ts";

afterEach(removeFolders);

const normalize = (...bases: (string | readonly [string, ExternalScope])[]) =>
  normalizeBlobPolicy(
    bases.map((entry) => {
      const [base, scope] = typeof entry === "string" ? [entry, "server_safe" as const] : entry;
      return { base, scope };
    }),
    "graphs.g.external_blobs",
  );
const uris = (...bases: string[]) => normalize(...bases).policy?.bases.map(({ uri }) => uri);
const faults = (...bases: (string | readonly [string, ExternalScope])[]) =>
  normalize(...bases).diagnostics.map(({ code, path }) => `${code} ${path}`);

describe("a base of external blobs", () => {
  it("is normalised once: scheme, bucket, escapes, trailing slash", () => {
    expect(uris("S3://Scans/in")).toEqual(["s3://scans/in/"]);
    expect(uris("s3://b")).toEqual(["s3://b/"]);
    expect(uris("s3://b/")).toEqual(["s3://b/"]);
    expect(uris("s3://b/A b/%7e/%c3%BC/ü/")).toEqual(["s3://b/A%20b/~/%C3%BC/%C3%BC/"]);
  });

  it("is refused with anything that could point elsewhere", () => {
    const bad = [
      " s3://b/x",
      "s3://b/x ",
      "s3://b\\x",
      "s3://user@b/x",
      "s3://b:9000/x",
      "s3://b/x?y",
      "s3://b/x#y",
      "s3://b//x",
      "s3://b/x//",
      "s3://b/./x",
      "s3://b/../x",
      "s3://b/%2e%2E/x",
      "s3://b/%2e",
      "s3://b/%zz",
      "s3://b/%2",
      "s3://b/a%2Fb",
      "s3://b/a%5cb",
      "s3://b/a%25b",
      "s3://b/a%00b",
      "s3:///x",
      "s3://",
      "http://b/x",
      "b/x",
      "",
      "file://host/tmp",
      "file:///tmp",
      `s3://b/${"x".repeat(65536)}`,
    ];
    for (const base of bad) {
      expect([base.slice(0, 40), faults(base)]).toEqual([
        base.slice(0, 40),
        ["invalid_external_blob_base graphs.g.external_blobs.allow[0].base"],
      ]);
    }
  });

  it("may be a local directory for embedded use, if it is there", () => {
    const directory = folder({ "a file": "x" });
    const here = `file://${directory}`;
    expect(normalize([here, "embedded_only"]).policy?.bases).toEqual([
      { uri: `${here}/`, scope: "embedded_only" },
    ]);
    expect(faults([`${here}/none`, "embedded_only"])).toHaveLength(1);
    expect(faults([`${here}/a%20file`, "embedded_only"])).toHaveLength(1);
    expect(normalize([here, "server_safe"]).diagnostics[0]?.message).toContain("server_safe");
  });

  it("must not contain or equal another one, by path component", () => {
    const overlap = ["invalid_external_blob_policy graphs.g.external_blobs.allow"];
    expect(faults("s3://a/x/", "s3://a/x/y/")).toEqual(overlap);
    expect(faults("s3://a/x", "s3://A/x/")).toEqual(overlap);
    expect(faults("s3://a", "s3://a/%78")).toEqual(overlap);
    expect(faults("s3://a/x", "s3://a/xy")).toEqual([]);
    expect(faults("s3://a/x", "s3://b/x")).toEqual([]);
  });

  it("is compared behind symbolic links", () => {
    const directory = folder({});
    mkdirSync(join(directory, "real/deep"), { recursive: true });
    symlinkSync(join(directory, "real"), join(directory, "link"));
    expect(
      faults(
        [`file://${directory}/real/deep`, "embedded_only"],
        [`file://${directory}/link`, "embedded_only"],
      ),
    ).toEqual(["invalid_external_blob_policy graphs.g.external_blobs.allow"]);
  });
});

describe("a policy of external blobs", () => {
  it("is sorted by URI", () => {
    expect(uris("s3://b/z", "s3://a/y")).toEqual(["s3://a/y/", "s3://b/z/"]);
  });

  it("is nothing where nothing is allowed", () => {
    expect(normalize()).toEqual({ policy: null, diagnostics: [] });
  });
});
