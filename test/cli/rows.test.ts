import { describe, expect, it } from "bun:test";
import { printRows, type RowStyle } from "../../src/cli/render/rows.ts";
import type { ReadResult } from "../../src/engine/outputs.ts";
import type { JsonObject } from "../../src/lib/json.ts";

function result(rows: JsonObject[], columns: string[]): ReadResult {
  return {
    queryName: "q",
    target: { branch: "main", snapshot: null },
    columns,
    rowCount: rows.length,
    graphCommitId: "01C",
    rows: () => rows,
    rowsJson: () => JSON.stringify(rows),
  };
}

async function render(
  format: RowStyle["format"],
  rows: JsonObject[],
  columns: string[],
  style: Partial<RowStyle> = {},
): Promise<string> {
  let text = "";
  const output = {
    isTerminal: false,
    write: async (data: string | Uint8Array) => {
      text += String(data);
    },
  };
  await printRows(output, result(rows, columns), {
    format,
    columnWidthMax: 80,
    cellLayout: "truncate",
    ...style,
  });
  return text;
}

const ROW: JsonObject = { a: 'x,"y"\n', b: null, c: [1, 2] };
const COLUMNS = ["a", "b", "c"];

describe("rows as json", () => {
  it("are the object that HTTP sends, indented, with exact integers", async () => {
    expect(await render("json", [{ n: 9007199254740993n }], ["n"])).toBe(`{
  "query_name": "q",
  "target": {
    "branch": "main",
    "snapshot": null
  },
  "row_count": 1,
  "columns": [
    "n"
  ],
  "rows": [
    {
      "n": 9007199254740993
    }
  ],
  "graph_commit_id": "01C"
}
`);
  });

  it("leave columns out where there are none", async () => {
    expect(JSON.parse(await render("json", [], []))).not.toHaveProperty("columns");
  });
});

describe("rows as jsonl", () => {
  it("are a line of metadata and one line each", async () => {
    const lines = (await render("jsonl", [ROW, { a: 2n ** 60n }], COLUMNS)).split("\n");
    expect(lines[0]).toBe(
      '{"kind":"metadata","query_name":"q","target":{"branch":"main","snapshot":null},"row_count":2}',
    );
    expect(lines.slice(1)).toEqual([
      '{"a":"x,\\"y\\"\\n","b":null,"c":[1,2]}',
      '{"a":1152921504606846976}',
      "",
    ]);
  });

  it("are the metadata alone for zero rows", async () => {
    expect((await render("jsonl", [], COLUMNS)).split("\n")).toHaveLength(2);
  });
});

describe("rows as csv", () => {
  it("are a header and quoted fields where quoting is needed", async () => {
    expect(await render("csv", [ROW, { a: "plain", b: true, c: "r\r" }], COLUMNS)).toBe(
      'a,b,c\n"x,""y""\n",null,"[1,2]"\nplain,true,"r\r"\n',
    );
  });

  it("have their header with zero rows too", async () => {
    expect(await render("csv", [], COLUMNS)).toBe("a,b,c\n");
  });
});

describe("rows as kv", () => {
  it("are numbered and separated, cells as they are", async () => {
    expect(await render("kv", [ROW, { a: "z", b: 1.5, c: {} }], COLUMNS)).toBe(
      '2 rows from branch main via q\nrow 1\na: x,"y"\n\nb: null\nc: [1,2]\n\nrow 2\na: z\nb: 1.5\nc: {}\n',
    );
  });

  it("say so for zero rows", async () => {
    expect(await render("kv", [], COLUMNS)).toBe("0 rows from branch main via q\n(no rows)\n");
  });
});

describe("rows as a table", () => {
  it("are padded under a header and a rule, with line feeds shown", async () => {
    expect(await render("table", [ROW], COLUMNS)).toBe(
      '1 rows from branch main via q\na       | b    | c    \n--------+------+------\nx,"y"\\n | null | [1,2]\n',
    );
  });

  it("cut wide cells with an ellipsis, or wrap them", async () => {
    const rows = [{ a: "abcdefghijklmno" }];
    const cut = await render("table", rows, ["a"], { columnWidthMax: 10 });
    expect(cut.split("\n").slice(1, 4)).toEqual(["a         ", "----------", "abcdefghi…"]);
    const wrapped = await render("table", rows, ["a"], { columnWidthMax: 10, cellLayout: "wrap" });
    expect(wrapped.split("\n").slice(3, 5)).toEqual(["abcdefghij", "klmno     "]);
  });

  it("never cut a header, and count code points", async () => {
    const wide = await render("table", [{ "a-long-header": "🚢" }], ["a-long-header"], { columnWidthMax: 8 });
    expect(wide.split("\n").slice(1, 4)).toEqual(["a-long-header", "-------------", `🚢${" ".repeat(12)}`]);
  });

  it("keep at least eight characters a column", async () => {
    const table = await render("table", [{ a: "abcdefghij" }], ["a"], { columnWidthMax: 3 });
    expect(table.split("\n")[3]).toBe("abcdefg…");
  });

  it("print header and rule for zero rows, and say so where there are no columns", async () => {
    expect(await render("table", [], ["ab"])).toBe("0 rows from branch main via q\nab\n--\n");
    expect(await render("table", [], [])).toBe("0 rows from branch main via q\n(no rows)\n");
  });

  it("take the sorted union of keys where no columns are known", async () => {
    const table = await render("table", [{ b: 1 }, { a: 2 }], []);
    expect(table.split("\n")[1]).toBe("a    | b   ");
  });
});
