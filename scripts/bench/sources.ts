// A mebibyte of source text of every awkward shape, in both languages: what a parser takes for the worst of them.

import { parseQueries } from "../../src/query/index.ts";
import { parseSchema } from "../../src/schema/parser.ts";
import type { Bench } from "./bench.ts";
import { digits, timed } from "./measure.ts";
import type { BenchRow } from "./table.ts";

const BYTES = 2 ** 20;
const REACH_MS = 100;
const REPEATS = { warmup: 2, runs: 5 };

const fill = (text: string) => text.repeat(Math.ceil(BYTES / Buffer.byteLength(text)));
const numbered = (text: (i: number) => string) => {
  const parts: string[] = [];
  for (let length = 0; length < BYTES; length += parts[parts.length - 1].length)
    parts.push(text(parts.length));
  return parts.join("");
};

/** Of which nothing makes sense. */
const NOISE = [
  "(",
  "{",
  "[",
  "-",
  '"',
  '"a',
  "a.a.a.",
  "/*",
  "//\n",
  "9",
  "\\",
  "é",
  "😀",
  "\0",
  "\r\n",
  "#",
  "$",
];
const inMatch = (text: string) => `query q() { match { $a: T ${text}`;
const matched = (text: string) => `${inMatch(text)} } return { $a } }`;

const QUERIES: readonly string[] = [
  ...NOISE.map(fill),
  ...["not {", "count(", "search(", "$a.x = [", "$a.x = 9"].map((text) => inMatch(fill(text))),
  inMatch(`$a.x = [${fill("1,")}`),
  inMatch(`$a.x = "${fill("\\n")}"`),
  matched(fill("$a.x=1")),
  matched(fill("$a e$b ")),
  `query q() { match { $a: T } return { ${fill("$a ")} } order { ${fill("a,")} a } }`,
  `query q() { insert T { ${fill("a:1 ")} } }`,
  `query q(${numbered((i) => `$p${i}: I32, `)}`,
  fill("query q() { delete T where k = 1 } "),
  fill("query q() { } "),
];

const SCHEMAS: readonly string[] = [
  ...NOISE.map(fill),
  numbered((i) => `node N${i} { a: I32 }\n`),
  `node A { ${numbered((i) => `p${i}: I32 `)} }`,
  `node A { p: enum(${numbered((i) => `v${i}, `)} v) }`,
  `node A { a: I32 ${fill("@range(a, 1..2) ")} }`,
  fill("node A { a } "),
];

export async function sources(bench: Bench): Promise<BenchRow[]> {
  bench.say("parse awkward sources of a mebibyte");
  return [await worst("queries", QUERIES, parseQueries), await worst("schemas", SCHEMAS, parseSchema)];
}

async function worst(
  name: string,
  texts: readonly string[],
  parse: (source: string) => unknown,
): Promise<BenchRow> {
  let slowest = { median: 0, text: "" };
  for (const text of texts) {
    const { median } = await timed(REPEATS, async () => attempt(() => parse(text)));
    if (median > slowest.median) slowest = { median, text };
  }
  const shape = JSON.stringify(slowest.text.slice(0, 24));
  return {
    work: `parse 1 MiB of ${name}, the slowest of ${texts.length} shapes`,
    measured: `${digits(slowest.median)} ms (${shape}…)`,
    reach: `${REACH_MS} ms`,
    peer: "",
    reached: slowest.median <= REACH_MS,
  };
}

/** Most of them are refused. */
function attempt(work: () => unknown): void {
  try {
    work();
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
  }
}
