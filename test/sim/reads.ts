// What clients ask, and what the model answers to it.

import type { JsonObject } from "../../src/lib/json.ts";
import type { State } from "./model.ts";
import type { Random } from "./random.ts";
import { NAMES } from "./writes.ts";

/** A query with its parameters drawn. */
export interface Read {
  readonly what: string;
  readonly source: string;
  readonly params: JsonObject;
  /** The rows that a state must give, and a row that was told, as texts; their order means nothing. */
  expected(state: State): string[];
  told(row: JsonObject): string;
}

const text = (...values: readonly unknown[]): string => JSON.stringify(values);

const READS: readonly ((random: Random) => Read)[] = [
  () => ({
    what: "all accounts",
    source: "query q() { match { $a: Account } return { $a.name as n, $a.email as e, $a.balance as b } }",
    params: {},
    expected: ({ tables }) =>
      Array.from(tables.Account.values(), ({ values }) => text(values.name, values.email, values.balance)),
    told: ({ n, e, b }) => text(n, e, b),
  }),
  (random) => {
    const name = random.pick(NAMES);
    return {
      what: `account ${name}`,
      source:
        "query q($n: String) { match { $a: Account { name: $n } } return { $a.email as e, $a.balance as b } }",
      params: { n: name },
      expected: ({ tables }) => {
        const found = tables.Account.get(name);
        return found === undefined ? [] : [text(found.values.email, found.values.balance)];
      },
      told: ({ e, b }) => text(e, b),
    };
  },
  (random) => {
    const below = random.below(10);
    return {
      what: `accounts below ${below}`,
      source: "query q($b: I64) { match { $a: Account $a.balance < $b } return { count($a) as n } }",
      params: { b: below },
      expected: ({ tables }) => [
        text([...tables.Account.values()].filter(({ values }) => Number(values.balance) < below).length),
      ],
      told: ({ n }) => text(n),
    };
  },
  () => ({
    what: "all events",
    source: "query q() { match { $e: Event } return { $e.text as t, $e.level as l } }",
    params: {},
    expected: ({ tables }) =>
      Array.from(tables.Event.values(), ({ values }) => text(values.text, values.level)),
    told: ({ t, l }) => text(t, l),
  }),
  () => ({
    what: "who owes whom",
    source:
      "query q() { match { $a: Account $a $o: owes $b } return { $a.name as f, $b.name as t, $o.mark as m } }",
    params: {},
    expected: ({ tables }) =>
      Array.from(tables.Owes.values(), ({ from, to, values }) => text(from, to, values.mark)),
    told: ({ f, t, m }) => text(f, t, m),
  }),
  (random) => {
    const name = random.pick(NAMES);
    return {
      what: `whom ${name} owes`,
      source:
        "query q($n: String) { match { $a: Account { name: $n } $a owes $b } return { $b.name as t, $b.balance as b } }",
      params: { n: name },
      expected: ({ tables }) => {
        const goals = [...tables.Owes.values()].flatMap(({ from, to = "" }) => (from === name ? [to] : []));
        return [...new Set(goals)].map((to) => text(to, tables.Account.get(to)?.values.balance));
      },
      told: ({ t, b }) => text(t, b),
    };
  },
  () => ({
    what: "who saw what",
    source:
      "query q() { match { $a: Account $a $s: saw $e } return { $a.name as f, $e.text as t, $s.mark as m } }",
    params: {},
    expected: ({ tables }) =>
      Array.from(tables.Saw.values(), ({ from, to = "", values }) =>
        text(from, tables.Event.get(to)?.values.text, values.mark),
      ),
    told: ({ f, t, m }) => text(f, t, m),
  }),
];

export const randomRead = (random: Random): Read => random.pick(READS)(random);
