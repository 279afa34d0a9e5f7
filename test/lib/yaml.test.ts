import { describe, expect, it } from "bun:test";
import { parseYaml, type YamlNode } from "../../src/lib/yaml.ts";

/** The tree without positions: plain scalars as text, others in quotes. */
const bare = (node: YamlNode): unknown => {
  switch (node.kind) {
    case "null":
      return null;
    case "scalar":
      return node.plain ? node.text : `"${node.text}"`;
    case "list":
      return node.items.map(bare);
    case "map":
      return node.entries.map(({ key, value }) => [key, bare(value)]);
  }
};
const tree = async (text: string) => bare((await parseYaml(text)).root);
const fault = async (text: string) => (await parseYaml(text)).fault;
const duplicates = async (text: string) =>
  (await parseYaml(text)).duplicates.map(({ path, at }) => `${path} ${at.line}:${at.column}`);

describe("YAML", () => {
  it("keeps scalars as written and says how", async () => {
    expect(await tree("a: 1.50\nb: 'x'\nc: \"y\"\nd: yes\ne: !!str 5\n")).toEqual([
      ["a", "1.50"],
      ["b", '"x"'],
      ["c", '"y"'],
      ["d", "yes"],
      ["e", '"5"'],
    ]);
  });

  it("tells empty values from empty strings", async () => {
    expect(await tree("a:\nb: ~\nc: null\nd: ''\ne: {f, g: }\n")).toEqual([
      ["a", null],
      ["b", null],
      ["c", null],
      ["d", '""'],
      [
        "e",
        [
          ["f", null],
          ["g", null],
        ],
      ],
    ]);
    expect(await tree("")).toBeNull();
    expect(await tree("# only a comment\n")).toBeNull();
  });

  it("follows aliases and leaves merge keys alone", async () => {
    expect(await tree("a: &x [1]\nb: *x\n<<: *x\n")).toEqual([
      ["a", ["1"]],
      ["b", ["1"]],
      ["<<", ["1"]],
    ]);
  });

  it("knows where keys and values stand", async () => {
    const { root } = await parseYaml("a:\n  b: c\n");
    const inner = root.kind === "map" ? root.entries[0]?.value : undefined;
    expect(inner?.kind === "map" && inner.entries[0]).toMatchObject({
      keyAt: { line: 2, column: 3 },
      value: { at: { line: 2, column: 6 } },
    });
  });

  it("finds keys that stand twice, however they are written", async () => {
    expect(await duplicates("a: 1\nb: 2\n'a': 3\na: 4\n")).toEqual(["a 3:1", "a 4:1"]);
    expect(await duplicates("a: {b: 1, b: 2}\n")).toEqual(["a.b 1:11"]);
    expect(await duplicates('a:\n  - {b: 1}\n  - {b: 1, "b": 2}\n')).toEqual(["a[].b 3:12"]);
    expect(await duplicates("a: &x {b: 1, b: 2}\nc: *x\n")).toEqual(["a.b 1:14"]);
  });

  it("refuses what is no YAML, or more than one document, with a place", async () => {
    expect(await fault("a: [1\nb: 2")).toMatchObject({ at: { line: 2, column: 1 } });
    expect((await fault("a: b: c"))?.message).toEndWith("at line 1 column 4");
    expect((await fault("a: 1\n---\nb: 2\n"))?.message).toStartWith("expected a single YAML document");
    expect((await fault("a: *none"))?.message).toBe("unresolved alias 'none' at line 1 column 4");
    expect((await fault("a: !custom x"))?.message).toContain("unsupported tag");
    expect((await fault("? {a: 1}\n: 2\n"))?.message).toContain("a key must be a plain or quoted string");
  });

  it("refuses aliases that contain themselves or unfold without bound", async () => {
    expect((await fault("a: &x [*x]"))?.message).toContain("contains itself");
    const bomb = Array.from(
      { length: 9 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]`,
    );
    expect((await fault(`l0: &l0 [x]\n${bomb.join("\n")}\n`))?.message).toContain("more than 200000 values");
  });
});
