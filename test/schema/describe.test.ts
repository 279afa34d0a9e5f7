import { describe, expect, it } from "bun:test";
import { stringifyJson } from "../../src/lib/json.ts";
import { describeStep, type MigrationStep, planMigration } from "../../src/schema/index.ts";
import { admit } from "./support.ts";

const steps = (accepted: string, desired: string) => planMigration(admit(accepted), desired, false).steps;

describe("steps for people", () => {
  const nullable = { nullable: true, list: false, enum_values: null };
  it.each<[MigrationStep, string]>([
    [{ kind: "add_type", type_kind: "node", name: "T" }, "add node type 'T'"],
    [{ kind: "rename_type", type_kind: "edge", from: "A", to: "B" }, "rename edge type 'A' -> 'B'"],
    [
      {
        kind: "add_property",
        type_kind: "node",
        type_name: "T",
        property_name: "p",
        property_type: { ...nullable, scalar: "String", enum_values: ["a", "b"] },
      },
      "add property 'T.p' (Enum(a|b)?) on node 'T'",
    ],
    [
      {
        kind: "add_property",
        type_kind: "edge",
        type_name: "E",
        property_name: "v",
        property_type: { ...nullable, scalar: { Vector: 3 } },
      },
      "add property 'E.v' (Vector(3)?) on edge 'E'",
    ],
    [
      {
        kind: "extend_enum",
        type_kind: "node",
        type_name: "T",
        property_name: "p",
        added_values: ["x", "y"],
      },
      "extend enum 'T.p' (+x, +y) on node 'T'",
    ],
    [
      { kind: "update_type_metadata", type_kind: "node", name: "T", annotations: [] },
      "update metadata on node 'T' (none)",
    ],
    [
      {
        kind: "update_property_metadata",
        type_kind: "node",
        type_name: "T",
        property_name: "p",
        annotations: [{ name: "description", value: 'a "b"', kwargs: { k: "v" } }],
      },
      `update metadata on property 'T.p' of node 'T' (@description("a \\"b\\"", k="v"))`,
    ],
    [
      { kind: "unsupported_change", entity: "node:T.p", reason: "why", code: "OG-MF-103" },
      "unsupported change on node:T.p [OG-MF-103, validated]: why",
    ],
    [{ kind: "unsupported_change", entity: "schema", reason: "why" }, "unsupported change on schema: why"],
  ])("print %j", (step, line) => {
    expect(describeStep(step)).toBe(line);
  });

  it("spell annotations and patterns so that the parser reads them back", () => {
    const text = 'tab\t quote " backslash \\ line\n return\r bell\u0007 é 😀 \u2028';
    const step: MigrationStep = {
      kind: "update_type_metadata",
      type_kind: "node",
      name: "T",
      annotations: [{ name: "description", value: text, kwargs: { k: text } }],
    };
    const line = describeStep(step);
    const spelt = line.slice(line.indexOf("@"), -1);
    expect(spelt).not.toContain("\n");
    expect(admit(`node T ${spelt} {}`).nodes.get("T")?.annotations).toEqual([
      { name: "description", value: text, kwargs: { k: text } },
    ]);
    const added = steps("node T { p: String }", `node T { p: String @check(p, "^\\\\d\u0007$") }`);
    expect(added).toMatchObject([{ reason: expect.stringContaining(`'@check(p, "^\\\\d\u0007$")' to 'T'`) }]);
  });

  it("are JSON as they stand", () => {
    const all = steps("node T { p: I32 }", 'node T @description("d") { p: I64 q: Vector(2)? @index }');
    expect(JSON.parse(stringifyJson([...all]))).toEqual(JSON.parse(JSON.stringify(all)));
  });
});
