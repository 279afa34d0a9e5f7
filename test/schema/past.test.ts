import { describe, expect, it } from "bun:test";
import {
  type Catalog,
  decodeAccepted,
  encodeAccepted,
  findEdge,
  namesAtSnapshot,
  planMigration,
  withoutPurged,
} from "../../src/schema/index.ts";
import { admit } from "./support.ts";

const PAST = `node Ship {
  imo: String @key
  flag: String?
  about: String
  about_vec: Vector(3)? @embed("about")
  mail: String? @unique
  @index(flag)
  @unique(flag, mail)
}
node Port { code: String @key }
edge CallsAt: Ship -> Port { berth: String?  @unique(src, berth) }
`;

const after = (accepted: Catalog, source: string, allowDataLoss = false) => {
  const plan = planMigration(accepted, source, allowDataLoss);
  expect(plan.supported).toBe(true);
  return plan.catalog;
};

const propertiesOf = (catalog: Catalog, type: string) =>
  (catalog.nodes.get(type) ?? catalog.edges.get(type))?.properties.map(({ name, id }) => [name, id]);

describe("names at a snapshot", () => {
  const past = admit(PAST);
  const id = (type: string, name: string) =>
    new Map(propertiesOf(past, type) as [string, number][]).get(name) as number;

  it("are those of now, then those of then, by stable ids", () => {
    const now = after(
      past,
      `node Vessel @rename_from("Ship") {
  imo: String @key
  colours: String? @rename_from("flag")
  about: String
  about_vec: Vector(3)? @embed("about")
  mail: String? @unique
  crew: I32?
  @index(colours)
  @unique(colours, mail)
}
node Port { code: String @key }
edge Visits: Vessel -> Port @rename_from("CallsAt") { berth: String?  @unique(src, berth) }
`,
    );
    const names = namesAtSnapshot(past, now);
    expect([...names.nodes.keys()]).toEqual(["Port", "Ship", "Vessel"]);
    expect(names.nodes.get("Ship")).toBe(names.nodes.get("Vessel"));
    expect(propertiesOf(names, "Vessel")).toEqual([
      ["about", id("Ship", "about")],
      ["about_vec", id("Ship", "about_vec")],
      ["colours", id("Ship", "flag")],
      ["crew", past.nextId],
      ["flag", id("Ship", "flag")],
      ["imo", id("Ship", "imo")],
      ["mail", id("Ship", "mail")],
    ]);
    expect(findEdge(names, "callsat")).toBe(findEdge(names, "VISITS"));
    expect(findEdge(names, "visits")?.source).toBe(names.nodes.get("Vessel") as never);
    expect(names.digest).not.toBe(past.digest);
  });

  it("of a type that was dropped and made again mean the new one", () => {
    const without = after(past, "node Port { code: String @key }\n");
    const now = after(without, PAST);
    const names = namesAtSnapshot(past, now);
    expect(names.nodes.get("Ship")?.id).toBe(now.nodes.get("Ship")?.id as number);
    expect(past.typeById.has(names.nodes.get("Ship")?.id as number)).toBe(false);
    // One that was only dropped is still there under its own name.
    expect(namesAtSnapshot(past, without).nodes.get("Ship")?.id).toBe(past.nodes.get("Ship")?.id as number);
  });

  it("of edges are taken without regard to case", () => {
    const without = after(past, PAST.slice(0, PAST.indexOf("edge")));
    const now = after(without, `${PAST.slice(0, PAST.indexOf("edge"))}edge CALLSAT: Ship -> Port\n`);
    const names = namesAtSnapshot(past, now);
    expect([...names.edges.keys()]).toEqual(["CALLSAT"]);
    expect(findEdge(names, "CallsAt")?.id).toBe(now.edges.get("CALLSAT")?.id as number);
  });
});

describe("a catalog without what hard drops took", () => {
  const past = admit(PAST);

  it("has no property, rule or embedding left of it", () => {
    const now = after(
      past,
      PAST.replace("  flag: String?\n", "")
        .replace("  about: String\n", "")
        .replace(' @embed("about")', "")
        .replace("  about_vec: Vector(3)?\n", "")
        .replace("  @index(flag)\n", "")
        .replace("  @unique(flag, mail)\n", "")
        .replace("  mail: String? @unique\n", ""),
      true,
    );
    const readable = withoutPurged(past, now.purged);
    expect(propertiesOf(readable, "Ship")?.map(([name]) => name)).toEqual(["imo"]);
    expect(readable.nodes.get("Ship")?.constraints).toEqual([]);
    expect(readable.edges.get("CallsAt")?.source).toBe(readable.nodes.get("Ship") as never);
    expect(readable.edges.get("CallsAt")?.constraints).toHaveLength(1);
    expect(readable.nodes.get("Port")).toBe(past.nodes.get("Port") as never);
  });

  it("is the same object where nothing of it was taken", () => {
    expect(withoutPurged(past, new Set())).toBe(past);
    expect(withoutPurged(past, new Set([past.nextId]))).toBe(past);
  });

  it("loses the edges of a type that it loses", () => {
    const now = after(past, "node Port { code: String @key }\n", true);
    const readable = withoutPurged(past, now.purged);
    expect([...readable.typeById.values()].map(({ name }) => name)).toEqual(["Port"]);
    expect(findEdge(readable, "CallsAt")).toBeNull();
  });
});

describe("an accepted schema", () => {
  it("remembers what hard drops took, over all that follows, and nothing of soft ones", () => {
    const past = admit(PAST);
    const vector = past.nodes.get("Ship")?.properties.find(({ name }) => name === "about_vec")?.id as number;
    const less = PAST.replace('  about_vec: Vector(3)? @embed("about")\n', "");
    const hard = after(past, less, true);
    expect([...hard.purged]).toEqual([vector]);
    const soft = after(hard, less.slice(0, less.indexOf("edge")));
    expect([...soft.purged]).toEqual([vector]);
    expect(decodeAccepted(encodeAccepted(soft))).toEqual(soft);
    expect(JSON.parse(encodeAccepted(soft)).purged).toEqual([vector]);
    expect(JSON.parse(encodeAccepted(past)).purged).toBeUndefined();
    const twice = encodeAccepted(soft).replace(`"purged":[${vector}]`, '"purged":[1]');
    expect(() => decodeAccepted(twice)).toThrow("used twice");
  });
});
