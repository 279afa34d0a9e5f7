// The mistakes that a stranger makes with a graph, and what must be said to each.

import { join } from "node:path";
import { temporaryDirectory } from "./support.ts";

export const ALL = "query q() { match { $s: Ship } return { $s.name } }";
export const INSERT_LOG = 'query q() { insert Log { text: "x" } }';

export interface Mistake {
  readonly called: string;
  readonly words: readonly string[];
  /** What the refusal must say. */
  readonly says: readonly string[];
  /** 1 without. */
  readonly code?: number;
}

/** A path where nothing is. */
export const MISSING = join(temporaryDirectory(), "missing");

export const FILES: readonly Mistake[] = [
  {
    called: "a missing data file",
    words: ["load", "--mode", "append", "--data", MISSING],
    says: [`could not read --data ${MISSING}: no such file`],
  },
  {
    called: "a missing query file",
    words: ["query", "--query", MISSING],
    says: [`could not read --query ${MISSING}: no such file`],
  },
  {
    called: "a missing mutation file",
    words: ["mutate", "--query", MISSING],
    says: [`could not read --query ${MISSING}: no such file`],
  },
  {
    called: "a missing parameter file",
    words: ["query", "-e", ALL, "--params-file", MISSING],
    says: [`could not read --params-file ${MISSING}: no such file`],
  },
  {
    called: "a directory where a file is wanted",
    words: ["load", "--mode", "append", "--data", "."],
    says: ["could not read --data .: it is a directory"],
  },
];

export const QUERIES: readonly Mistake[] = [
  {
    called: "a query that does not parse",
    words: ["query", "-e", "query q() {\n  match { $s: Ship }\n  retrun { $s }\n}"],
    says: ["parse error: ", "(line 3, column 3)"],
  },
  {
    called: "an unknown node type",
    words: ["query", "-e", ALL.replace("Ship", "Boat")],
    says: ["T1", "'Boat'"],
  },
  {
    called: "an unknown edge",
    words: ["query", "-e", "query q() { match { $s: Ship $s sailsTo $p } return { $p } }"],
    says: ["T4", "'sailsTo'", "DocksAt"],
  },
  {
    called: "an unknown property",
    words: ["query", "-e", "query q() { match { $s: Ship } return { $s.colour } }"],
    says: ["T6", "$s.colour", "age"],
  },
  {
    called: "a mutation asked as a query",
    words: ["query", "-e", INSERT_LOG],
    says: ["contains mutations (insert/update/delete); use POST /mutate"],
  },
  {
    called: "a read asked as a mutation",
    words: ["mutate", "-e", ALL],
    says: ["mutation execution called on a read query"],
  },
  { called: "an empty query", words: ["query", "-e", " "], says: ["must not be empty"] },
  {
    called: "several queries without a name",
    words: ["query", "-e", `${ALL} ${ALL.replace("q()", "r()")}`],
    says: ["multiple queries"],
  },
  {
    called: "a name that no query has",
    words: ["query", "nope", "-e", ALL],
    says: ["query 'nope' not found"],
  },
  {
    called: "parameters that are no JSON",
    words: ["query", "-e", ALL, "--params", '{"a":'],
    says: ["--params is not valid JSON", "line 1 column 6"],
  },
  {
    called: "parameters that are no object",
    words: ["query", "-e", ALL, "--params", "[1]"],
    says: ["params must be a JSON object"],
  },
  {
    called: "a parameter of another type",
    words: ["query", "-e", ALL.replace("()", "($n: String)"), "--params", '{"n":3}'],
    says: ["param 'n': expected string, got number"],
  },
  {
    called: "a parameter left out",
    words: ["query", "-e", ALL.replace("()", "($n: String)")],
    says: ["parameter 'n' not provided"],
  },
  {
    called: "two flags that exclude each other",
    words: ["query", "-e", ALL, "--branch", "main", "--snapshot", "x"],
    says: ["cannot be used with"],
    code: 2,
  },
];

export const TARGETS: readonly Mistake[] = [
  {
    called: "an unknown branch",
    words: ["query", "-e", ALL, "--branch", "b"],
    says: ["branch 'b' not found"],
  },
  {
    called: "an unknown commit",
    words: ["query", "-e", ALL, "--snapshot", "c"],
    says: ["commit 'c' not found"],
  },
  {
    called: "a write to an unknown branch",
    words: ["mutate", "-e", INSERT_LOG, "--branch", "b"],
    says: ["branch 'b' not found"],
  },
  {
    called: "a fork of an unknown branch",
    words: ["branch", "create", "b", "--from", "a"],
    says: ["branch 'a' not found"],
  },
  {
    called: "a branch that exists",
    words: ["branch", "create", "main"],
    says: ["cannot create branch 'main'"],
  },
  {
    called: "a bad branch name",
    words: ["branch", "create", "a b"],
    says: ["invalid branch name 'a b'", "allowed"],
  },
  {
    called: "a branch name no URL carries",
    words: ["branch", "create", "."],
    says: ["invalid branch name '.'"],
  },
  { called: "a blank branch name", words: ["branch", "create", " "], says: ["branch name cannot be empty"] },
  {
    called: "the deletion of main",
    words: ["branch", "delete", "main", "--yes"],
    says: ["cannot delete branch 'main'"],
  },
  {
    called: "the deletion of an unknown branch",
    words: ["branch", "delete", "b", "--yes"],
    says: ["branch 'b' not found"],
  },
  {
    called: "a merge of an unknown branch",
    words: ["branch", "merge", "b"],
    says: ["branch 'b' not found"],
  },
  { called: "a merge into itself", words: ["branch", "merge", "main"], says: ["distinct source and target"] },
  {
    called: "an unknown type to export",
    words: ["export", "--type", "Boat"],
    says: ["unknown export type 'Boat'"],
  },
  { called: "an unknown commit to show", words: ["commit", "show", "c"], says: ["commit 'c' not found"] },
  {
    called: "a head that is not the branch's",
    words: ["mutate", "-e", INSERT_LOG, "--if-commit", "01JZX0M4T0C1QK8W3N5E7R9B2D"],
    says: ["precondition failed on branch 'main': expected head '01JZX0M4T0C1QK8W3N5E7R9B2D'"],
    code: 4,
  },
  {
    called: "a head that no commit can be",
    words: ["mutate", "-e", INSERT_LOG, "--if-commit", "*"],
    says: ["--if-commit takes one graph commit id"],
  },
];

export const MUTATIONS: readonly Mistake[] = (
  [
    ["an insert of an unknown type", "insert Boat { text: 1 }", "T10", "'Boat'"],
    ["an insert without its key", "insert Ship { age: 1 }", "T12", "'name'"],
    ["an insert of an unknown property", 'insert Log { colour: "red" }', "T11", "'colour'"],
    ["an insert of another type of value", "insert Log { text: 3 }", "T3", "Log.text"],
    ["a value outside an enum", 'insert Ship { name: "a", kind: "yacht" }', "expects one of", "'yacht'"],
    [
      "a number that does not fit",
      'insert Ship { name: "a", age: 2147483648 }',
      "'age'",
      "exceeds Int32 range",
    ],
    ["a dangling edge", 'insert Near { from: "OSL", to: "GHOST" }', "dst 'GHOST' not found in Port"],
    [
      "a dangling edge after a good insert",
      'insert Port { code: "X", title: "t" } insert Near { from: "GHOST", to: "X" }',
      "src 'GHOST' not found in Port",
    ],
    [
      "an update of a key",
      'update Port set { code: "X" } where code = "OSL"',
      "cannot update @key property 'code'",
    ],
    [
      "inserts beside deletes",
      'insert Log { text: "a" } delete Log where text = "a"',
      "mixes inserts/updates and deletes",
    ],
    ["an update without where", "update Ship set { age: 1 }", "parse error: ", "where"],
  ] as const
).map(([called, statements, ...says]) => ({
  called,
  words: ["mutate", "-e", `query m() { ${statements} }`],
  says,
}));

/** Line 3 of 5; the others are sound. */
export const THIRD_LINES: readonly (readonly [called: string, line: string, ...says: string[]])[] = [
  ["text that is no JSON", "not json", "line 3", "column 1"],
  ["a line that stops early", '{"type":"Port"', "line 3", "column 15"],
  [
    "a member named twice",
    '{"type":"Port","data":{"code":"A","code":"B"}}',
    "line 3",
    "duplicate JSON member 'code'",
  ],
  ["half of a surrogate pair", '{"type":"Log","data":{"text":"\\ud800"}}', "line 3", "surrogate"],
  ["bytes that are no UTF-8", "\xff", "line 3", "not UTF-8"],
  ["no type at all", '{"data":{}}', "line 3", "exactly one of 'type' or 'edge'"],
  ["an unknown node type", '{"type":"Boat","data":{}}', "line 3", "unknown node type 'Boat'"],
  ["an unknown edge type", '{"edge":"SailsTo","from":"a","to":"b"}', "line 3", "unknown edge type 'SailsTo'"],
  [
    "an unknown field",
    '{"type":"Log","data":{"text":"a","colour":1}}',
    "line 3",
    "unknown input field 'colour'",
  ],
  ["a missing key", '{"type":"Port","data":{"title":"t"}}', "line 3", "non-nullable property 'code'"],
  [
    "a key that is null",
    '{"type":"Port","data":{"code":null,"title":"t"}}',
    "line 3",
    "non-nullable property 'code'",
  ],
  [
    "another id than its key's",
    '{"type":"Port","data":{"id":"x","code":"C","title":"t"}}',
    "line 3",
    "does not match",
  ],
  [
    "a value of another type",
    '{"type":"Ship","data":{"name":"S","age":"old"}}',
    "line 3",
    "'age' expects Int32",
  ],
  [
    "a fraction for an integer",
    '{"type":"Ship","data":{"name":"S","age":3.5}}',
    "line 3",
    "'age' expects Int32, got 3.5",
  ],
  [
    "an integer one too large",
    '{"type":"Ship","data":{"name":"S","big":9223372036854775808}}',
    "line 3",
    "value 9223372036854775808 exceeds Int64 range",
  ],
  [
    "a value outside the enum",
    '{"type":"Ship","data":{"name":"S","kind":"yacht"}}',
    "line 3",
    "(expected: cargo, tug)",
  ],
  [
    "a bad date",
    '{"type":"Ship","data":{"name":"S","built":"2001-02-30"}}',
    "line 3",
    "invalid Date literal",
  ],
  [
    "a vector of another width",
    '{"type":"Ship","data":{"name":"S","pose":[1]}}',
    "line 3",
    "expects 3 dimensions, got 1",
  ],
  [
    "the key of an earlier line",
    '{"type":"Port","data":{"code":"L1","title":"t"}}',
    "@unique violation on Port.code",
    "'L1'",
  ],
  [
    "the key of an entity that is there",
    '{"type":"Port","data":{"code":"OSL","title":"t"}}',
    "already has id 'OSL'",
  ],
  ["a dangling edge", '{"edge":"Near","from":"L1","to":"GHOST"}', "dst 'GHOST' not found in Port"],
];

export const fiveLines = (third: string) =>
  ["L1", "L2", third, "L4", "L5"]
    .map((line) => (line === third ? line : `{"type":"Port","data":{"code":"${line}","title":"sound"}}`))
    .join("\n");

/** Commands that work on a graph wherever it is. */
export const GRAPH_COMMANDS: readonly (readonly string[])[] = [
  ["query", "-e", ALL],
  ["mutate", "-e", INSERT_LOG],
  ["export"],
  ["snapshot"],
  ["commit", "list"],
  ["branch", "list"],
  ["branch", "create", "b"],
  ["branch", "merge", "b"],
  ["schema", "show"],
];
