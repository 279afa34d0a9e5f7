import { describe, expect, it } from "bun:test";
import { planQuery } from "../../src/query/index.ts";
import { admitSchema } from "../../src/schema/index.ts";

const CATALOG = admitSchema("node User { name: String @key  age: I32? }\nedge Knows: User -> User", null);

const refusal = (source: string): string => {
  try {
    planQuery(source, undefined, CATALOG);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "accepted";
};

describe("a type error says where it stands", () => {
  it("in the clause that is wrong, however deep", () => {
    expect(refusal("query q() {\n  match {\n    $u: User\n    $v: Usr\n  }\n  return { $u }\n}")).toMatch(
      /^type error: T1: .* \(line 4, column 9\)$/,
    );
    expect(refusal("query q() { match { $u: User\n  not {\n    $u likes $_ } } return { $u } }")).toMatch(
      /T4: .* \(line 3, column 8\)$/,
    );
  });

  it("in the item or the order key", () => {
    expect(refusal("query q() { match { $u: User }\nreturn { $u.name,\n  $u.email } }")).toMatch(
      /T6: .* \(line 3, column 3\)$/,
    );
    expect(refusal("query q() { match { $u: User } return { $u.name }\norder { $u.email } }")).toMatch(
      /T6: .* \(line 2, column 9\)$/,
    );
  });

  it("in the statement of a mutation", () => {
    expect(refusal('query m() {\n  insert User { name: "a" }\n  insert Usr { name: "b" }\n}')).toMatch(
      /T10: .* \(line 3, column 10\)$/,
    );
  });
});
