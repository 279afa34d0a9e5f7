// The stored queries that are measured, and how each is asked over HTTP.

import { prepared } from "./connection.ts";

export const BENCH_QUERIES = `query synset($name: String) {
  match { $s: Synset { name: $name } }
  return { $s.name as name, $s.pos as pos, $s.words as words, $s.gloss as gloss }
}

query kinds_of($of: String) {
  match {
    $root: Synset { name: $of }
    $kind hypernym{1,20} $root
  }
  return { $kind.name as name }
}

query first_kinds_of($of: String) {
  match {
    $root: Synset { name: $of }
    $kind hypernym{1,20} $root
  }
  return { $kind.name as name }
  limit 46199
}

query gloss_top($text: String) {
  match { $s: Synset }
  return { $s.name as name, $s.gloss as gloss }
  order { bm25($s.gloss, $text) }
  limit 10
}

query gloss_search($text: String) {
  match { $s: Synset search($s.gloss, $text) }
  return { $s.name as name, $s.gloss as gloss }
  limit 50
}

query gloss_fuzzy($text: String) {
  match { $s: Synset fuzzy($s.gloss, $text) }
  return { $s.name as name, $s.gloss as gloss }
  limit 50
}

query by_part_of_speech() {
  match { $s: Synset }
  return { $s.pos as pos, count($s) as synsets }
  order { pos }
}

query top_parents() {
  match {
    $child: Synset
    $child hypernym $parent
  }
  return { $parent.name as name, count($child) as children }
  order { children desc }
  limit 10
}

query add_synset($name: String, $gloss: String) {
  insert Synset { name: $name, pos: "noun", words: ["bench"], gloss: $gloss }
}
`;

/** A stored query of the graph `wordnet`, as a request. */
export function invoke(query: string, params: Readonly<Record<string, string>> = {}): Uint8Array {
  return prepared(`/graphs/wordnet/queries/${query}`, { params });
}
