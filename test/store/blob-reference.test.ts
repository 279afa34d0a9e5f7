import { describe, expect, it } from "bun:test";
import { sha256Hex } from "../../src/lib/digest.ts";
import { admitSchema } from "../../src/schema/index.ts";
import { batchOf, blobDigests, managedBlob, readBlobReference } from "../../src/store/index.ts";

const HULL = sha256Hex("hull");
const KEEL = sha256Hex("keel");

describe("a Blob reference", () => {
  it("names managed bytes by digest and size", () => {
    const text = managedBlob(HULL, 4);
    expect(text).toBe(`sha256:${HULL}:4`);
    expect(readBlobReference(text)).toEqual({ kind: "managed", digest: HULL, size: 4 });
  });

  it("is the URI of an external object otherwise", () => {
    expect(readBlobReference("s3://media/a")).toEqual({ kind: "external", uri: "s3://media/a" });
  });
});

describe("the digests of a batch", () => {
  it("are those of its Blob cells, whatever its strings look like", () => {
    const { nodes } = admitSchema(
      "node Ship { imo: String @key  note: String  photo: Blob?  plan: Blob? }",
      null,
    );
    const type = nodes.get("Ship");
    if (type === undefined) throw new Error("the schema of the test lacks Ship");
    const row = (imo: string, photo: string | null, plan: string | null) => {
      const cells: Record<string, string | null> = {
        imo,
        note: managedBlob(sha256Hex("no"), 2),
        photo,
        plan,
      };
      return { id: imo, src: null, dst: null, values: type.properties.map(({ name }) => cells[name]) };
    };
    const rows = [
      row("a", managedBlob(HULL, 4), null),
      row("b", "s3://media/a", managedBlob(KEEL, 4)),
      row("c", null, managedBlob(HULL, 4)),
    ];
    expect([...blobDigests(batchOf(rows, type), type)].sort()).toEqual([HULL, HULL, KEEL].sort());
  });
});
