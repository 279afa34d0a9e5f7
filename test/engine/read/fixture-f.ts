// Fixture F of the query language's specification: a handful of users, teams and who follows whom.

import type { Value } from "../../../src/query/plan.ts";
import { type Change, History } from "../../index/history.ts";

export const SCHEMA_F = `
node User { handle: String @key
  age: I32?
  city: String?
  joined: DateTime? }
node Team { code: String @key }
edge Follows: User -> User { since: Date? }
edge MemberOf: User -> Team
`;

export class FixtureF extends History {
  private edges = 0;

  constructor(schema = SCHEMA_F) {
    super(schema);
    this.commit(
      this.users({ ana: { age: 30 }, ben: { age: 25 }, cy: { age: 35 }, dee: { age: 28 } }),
      {
        type: this.node("Team"),
        rows: ["red", "blue"].map((code) => this.row(this.node("Team"), code, { code })),
      },
      this.links("Follows", ["ana", "ben"], ["ana", "cy"], ["ben", "dee"]),
      this.links("MemberOf", ["ana", "red"], ["ben", "blue"]),
    );
  }

  users(users: Readonly<Record<string, Readonly<Record<string, Value>>>>): Change {
    const type = this.node("User");
    const rows = Object.entries(users).map(([handle, values]) =>
      this.row(type, handle, { handle, ...values }),
    );
    return { type, rows };
  }

  links(edge: string, ...ends: readonly (readonly [string, string, Record<string, Value>?])[]): Change {
    const type = this.edge(edge);
    const rows = ends.map(([src, dst, values]) => this.row(type, `e${this.edges++}`, values ?? {}, src, dst));
    return { type, rows };
  }
}
