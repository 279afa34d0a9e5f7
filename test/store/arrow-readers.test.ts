// What this program writes as Arrow is Arrow to others too: to the letter of the specification, and to pyarrow where it is
// installed.

import { describe, expect, it } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readArrowFrame } from "../support/arrow-footer.ts";
import { goldenGraphs } from "../support/golden.ts";

const files = goldenGraphs().flatMap(({ root }) =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".arrow"))
    .sort()
    .map((name) => join(root, name)),
);
const segments = files.filter((path) => path.includes("/segments/"));

/** Prints, of each file named on a line of its input: the rows, the types of its columns, and the first row. */
const PYTHON = `
import json, sys
import pyarrow as pa
for path in sys.stdin.read().split():
    with pa.OSFile(path) as source:
        table = pa.ipc.open_file(source).read_all()
    table.validate()
    types = {field.name: str(field.type) for field in table.schema}
    rows = table.slice(0, 1).to_pylist()
    print(json.dumps([table.num_rows, types, rows[0] if rows else None], default=str))
`;

/** A word on why pyarrow cannot be asked; null where it can. */
function pyarrowMissing(): string | null {
  const python = Bun.which("python3");
  if (python === null) return "there is no python3";
  const { exitCode } = Bun.spawnSync([python, "-c", "import pyarrow"], { stderr: "ignore" });
  return exitCode === 0 ? null : "python3 has no pyarrow";
}

describe("the Arrow files of the golden graphs", () => {
  it("have the frame that the specification asks for, with types and properties by their stable ids", () => {
    expect(segments.length).toBeGreaterThan(5);
    for (const path of segments) {
      const { fields, metadata, batches } = readArrowFrame(readFileSync(path));
      expect(metadata["omnigraph:type"]).toBe(path.split("/").at(-2) ?? "");
      expect(batches.length).toBeGreaterThan(0);
      expect(Math.min(...batches)).toBeGreaterThan(0);
      const structural = fields.filter((field) => field.metadata["omnigraph:id"] === undefined);
      expect([["id"], ["src", "dst", "id"]]).toContainEqual(structural.map(({ name }) => name));
      expect(structural.every(({ isNullable }) => !isNullable)).toBe(true);
    }
  });

  it("are refused by that reading when a byte of the frame is wrong", () => {
    const whole = readFileSync(segments[0]);
    expect(() => readArrowFrame(whole.subarray(0, whole.length - 1))).toThrow("ends with the magic");
    expect(() => readArrowFrame(whole.subarray(1))).toThrow("begins with the magic");
  });

  const missing = pyarrowMissing();
  it.skipIf(missing !== null)(
    `are read by pyarrow, value by value${missing === null ? "" : ` (skipped: ${missing})`}`,
    () => {
      const { stdout, stderr } = Bun.spawnSync(["python3", "-c", PYTHON], {
        stdin: Buffer.from(files.join("\n")),
      });
      expect(stderr.toString()).toBe("");
      const read = stdout
        .toString()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(read).toHaveLength(files.length);
      for (const [i, [rows, types]] of read.entries()) {
        const { fields, batches } = readArrowFrame(readFileSync(files[i]));
        expect(rows).toBe(batches.reduce((sum, count) => sum + count, 0));
        expect(Object.keys(types)).toEqual(fields.map(({ name }) => name));
      }
      const [, types, ada] = read.find(([, , first]) => first?.handle === "ada") ?? [];
      expect(types).toMatchObject({
        ...{ id: "string", active: "bool", small: "int32", big: "int64", count: "uint32", huge: "uint64" },
        ...{ ratio: "float", born: "date32[day]", seen: "date64[ms]", mood: "string" },
        ...{ place: "fixed_size_list<item: float not null>[3]", tags: "list<item: string>" },
      });
      expect(ada).toMatchObject({
        ...{ id: "ada", name: "Ada Lovelace", active: true, small: -2_147_483_648, born: "1815-12-10" },
        ...{
          tags: ["math", "", "é 🚢"],
          place: [1, -0.5, 3.25],
          days: ["2024-02-29"],
          scores: [0.5, -0, 1e300],
        },
      });
    },
    60_000,
  );
});
