import { describe, expect, it } from "bun:test";
import { stem } from "../../../src/index/text/stemmer.ts";

/** Words and stems as the Snowball project lists them for English. */
const PAIRS: Readonly<Record<string, string>> = {
  consign: "consign",
  consigned: "consign",
  consignment: "consign",
  consist: "consist",
  consistency: "consist",
  consistently: "consist",
  consolation: "consol",
  consolations: "consol",
  consolatory: "consolatori",
  consolidating: "consolid",
  consolingly: "consol",
  conspicuous: "conspicu",
  conspiracies: "conspiraci",
  constables: "constabl",
  constancy: "constanc",
  knackeries: "knackeri",
  knavish: "knavish",
  kneaded: "knead",
  kneel: "kneel",
  knightly: "knight",
  knitting: "knit",
  knotted: "knot",
  caresses: "caress",
  flies: "fli",
  dies: "die",
  mules: "mule",
  ties: "tie",
  cries: "cri",
  gas: "gas",
  this: "this",
  gaps: "gap",
  kiwis: "kiwi",
  agreed: "agre",
  feed: "feed",
  owned: "own",
  luxuriated: "luxuri",
  hopping: "hop",
  hoping: "hope",
  happy: "happi",
  cry: "cri",
  by: "by",
  say: "say",
  relational: "relat",
  conditional: "condit",
  rationally: "ration",
  analogous: "analog",
  vietnamization: "vietnam",
  formalism: "formal",
  hopefulness: "hope",
  triplicate: "triplic",
  electrical: "electr",
  goodness: "good",
  revival: "reviv",
  allowance: "allow",
  inference: "infer",
  adjustable: "adjust",
  replacement: "replac",
  adoption: "adopt",
  communism: "communism",
  effective: "effect",
  probate: "probat",
  rate: "rate",
  controlling: "control",
  roll: "roll",
  generate: "generat",
  generously: "generous",
  communication: "communic",
  arsenal: "arsenal",
  skis: "ski",
  dying: "die",
  news: "news",
  innings: "inning",
  succeed: "succeed",
  proceeded: "proceed",
  youth: "youth",
  boyish: "boyish",
  flying: "fli",
  syzygy: "syzygi",
  networks: "network",
  layers: "layer",
  introduction: "introduct",
};

describe("the English stemmer", () => {
  it("finds the stems that the Snowball project lists", () => {
    for (const [word, stemmed] of Object.entries(PAIRS)) expect([word, stem(word)]).toEqual([word, stemmed]);
  });

  it("leaves words of one and two letters alone", () => {
    for (const word of ["", "a", "is", "ys"]) expect(stem(word)).toBe(word);
  });

  it("takes any word, also of other scripts", () => {
    for (const word of ["straße", "日本語", "çaılıs", "7s", "1990s", "yyyy", "ing", "eed", "ss"]) {
      expect(typeof stem(word)).toBe("string");
    }
  });
});
