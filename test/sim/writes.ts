// What clients write: drawn by seed from few names, so that writers meet, and said in the engine's own language.

import type { JsonObject } from "../../src/lib/json.ts";
import type { Line, Write } from "./model.ts";
import type { Random } from "./random.ts";

export const NAMES: readonly string[] = ["ann", "bob", "cyd", "dan", "eve", "fay"];
const EMAILS: readonly (string | null)[] = [null, null, "x@sim", "y@sim", "z@sim"];
const EVENTS: readonly string[] = ["event-1", "event-2", "event-3"];
const EDGES: readonly string[] = ["edge-1", "edge-2", "edge-3", "edge-4"];
const EXTRAS: readonly string[] = ["alias", "city", "motto"];
const BALANCE_MAX = 9;
/** Characters that take a commit's rows out of its entry and into a segment. */
const LONG_TEXT = 70_000;

export type WriteWeights = Readonly<Record<Write["kind"] | "long-note", number>>;

export function randomWrite(
  random: Random,
  mark: string,
  weights: WriteWeights,
  extras: readonly string[],
): Write {
  const name = () => random.pick(NAMES);
  const amount = () => random.below(BALANCE_MAX + 1);
  const kind = random.weighted(weights);
  switch (kind) {
    case "put": {
      const extra = extras.length > 0 && random.chance(0.5) ? random.pick(extras) : null;
      return { kind, mark, name: name(), email: random.pick(EMAILS), balance: amount(), extra };
    }
    case "set-one":
      return { kind, mark, name: name(), balance: amount() };
    case "set-below":
      return { kind, mark, below: amount(), balance: amount() };
    case "delete-one":
      return { kind, mark, name: name() };
    case "delete-above":
      return { kind, mark, above: amount() };
    case "owe":
      return { kind, mark, from: name(), to: name() };
    case "settle":
      return { kind, mark, from: name() };
    case "note":
      return { kind, mark, text: mark };
    case "long-note":
      return { kind: "note", mark, text: `${mark} ${"x".repeat(LONG_TEXT)}` };
    case "raise":
      return { kind, mark, below: amount(), level: amount() };
    case "sign-up":
      return { kind, mark, name: name(), other: name() };
    case "load":
      return randomLoad(random, mark);
    case "schema":
      return { kind, mark, extras: EXTRAS.filter(() => random.chance(0.5)) };
  }
}

export function randomLoad(random: Random, mark: string): Extract<Write, { kind: "load" }> {
  const mode = random.pick(["append", "merge", "overwrite"] as const);
  return { kind: "load", mark, mode, lines: randomLines(random, mark) };
}

/** Distinct entities; sometimes none. */
function randomLines(random: Random, mark: string): Line[] {
  const some = <T>(items: readonly T[], chance: number) => items.filter(() => random.chance(chance));
  const accounts = some(NAMES, 0.3).map((id): Line => {
    const values = { name: id, email: null, balance: random.below(BALANCE_MAX + 1) };
    return { table: "Account", id, values };
  });
  const events = some(EVENTS, 0.4).map(
    (id): Line => ({ table: "Event", id, values: { text: mark, level: random.below(BALANCE_MAX + 1) } }),
  );
  const edges = some(EDGES, 0.3).map((id): Line => {
    const isOwing = random.chance(0.5);
    const to = random.pick(isOwing ? NAMES : EVENTS);
    return { table: isOwing ? "Owes" : "Saw", id, from: random.pick(NAMES), to, values: { mark } };
  });
  return random.pick([accounts, events, edges, [...accounts, ...events, ...edges], [...edges, ...accounts]]);
}

export interface Statement {
  readonly source: string;
  readonly params: JsonObject;
}

/** A write as a mutation query. */
export function statementOf(write: Exclude<Write, { kind: "load" | "schema" }>): Statement {
  switch (write.kind) {
    case "put": {
      const { name, email, balance, extra, mark } = write;
      const also = extra === null ? "" : ` ${extra}: $x`;
      return {
        source: `query m($n: String, $e: String?, $b: I64, $x: String?) { insert Account { name: $n email: $e balance: $b${also} } }`,
        params: { n: name, e: email, b: balance, x: mark },
      };
    }
    case "set-one":
      return {
        source: "query m($n: String, $b: I64) { update Account set { balance: $b } where name = $n }",
        params: { n: write.name, b: write.balance },
      };
    case "set-below":
      return {
        source: "query m($o: I64, $b: I64) { update Account set { balance: $b } where balance < $o }",
        params: { o: write.below, b: write.balance },
      };
    case "delete-one":
      return { source: "query m($n: String) { delete Account where name = $n }", params: { n: write.name } };
    case "delete-above":
      return { source: "query m($o: I64) { delete Account where balance > $o }", params: { o: write.above } };
    case "owe":
      return {
        source: "query m($f: String, $t: String, $m: String) { insert Owes { from: $f to: $t mark: $m } }",
        params: { f: write.from, t: write.to, m: write.mark },
      };
    case "settle":
      return { source: "query m($f: String) { delete Owes where from = $f }", params: { f: write.from } };
    case "note":
      return { source: "query m($t: String) { insert Event { text: $t } }", params: { t: write.text } };
    case "raise":
      return {
        source: "query m($o: I64, $l: I64) { update Event set { level: $l } where level < $o }",
        params: { o: write.below, l: write.level },
      };
    case "sign-up":
      return {
        source: `query m($n: String, $o: String, $m: String) {
          insert Owes { from: $n to: $o mark: $m }
          insert Account { name: $n balance: 0 }
          insert Event { text: $m }
        }`,
        params: { n: write.name, o: write.other, m: write.mark },
      };
  }
}

/** Lines as the NDJSON of a load. */
export function ndjson(lines: readonly Line[]): string {
  return lines
    .map(({ table, id, from, to, values }) => {
      const kind = from === undefined ? { type: table } : { edge: table, from, to };
      // The id of an account is its key.
      const data = table === "Account" ? values : { id, ...values };
      return `${JSON.stringify({ ...kind, data })}\n`;
    })
    .join("");
}
