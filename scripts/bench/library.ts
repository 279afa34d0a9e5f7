// Generated documents: the same file for the same sizes and seed. Vectors are unit vectors around centres, as embeddings
// of texts about so many subjects are; words are as frequent as those of a language are (a share of 1 / rank).

import { open } from "node:fs/promises";
import { unitDice } from "./people.ts";

export interface LibrarySize {
  readonly documents: number;
  /** Components of a vector; 0 for no vectors. */
  readonly width: number;
  /** Words of a text; 0 for no texts. */
  readonly words: number;
}

const SEED = 20_251_122;
const SUBJECTS = 1_000;
/** How far a document's vector is from its subject's, relative to the subject's own length. */
const SPREAD = 0.7;
const VOCABULARY = 50_000;
/** Digits of a component that count. */
const DIGITS = 8;
/** Bytes gathered before they are written. */
const CHUNK = 1 << 20;

/** The schema of such a library; what the size leaves out has no property. */
export function librarySchema({ width, words }: LibrarySize): string {
  const vector = width > 0 ? `  v: Vector(${width}) @index\n` : "";
  const text = words > 0 ? "  text: String @index\n" : "";
  return `node Doc {\n  key: String @key\n  shelf: I32\n${vector}${text}}\n`;
}

/** Vectors one after the other. */
export class VectorDice {
  private readonly subjects: Float64Array[];
  private readonly dice: () => number;

  constructor(
    private readonly width: number,
    seed: number,
  ) {
    const subjectDice = unitDice(SEED);
    this.subjects = Array.from({ length: SUBJECTS }, () => this.bells(subjectDice));
    this.dice = unitDice(seed);
  }

  next(): Float32Array {
    const subject = this.subjects[Math.floor(this.dice() * SUBJECTS)];
    const own = this.bells(this.dice);
    const vector = subject.map((component, i) => component + SPREAD * own[i]);
    const length = Math.hypot(...vector);
    return Float32Array.from(vector, (component) => component / length);
  }

  /** Components of a normal distribution (Box and Muller). */
  private bells(dice: () => number): Float64Array {
    return Float64Array.from({ length: this.width }, () => {
      const radius = Math.sqrt(-2 * Math.log(1 - dice()));
      return radius * Math.cos(2 * Math.PI * dice());
    });
  }
}

/** Components as providers of embeddings write them. */
export const written = (vector: Float32Array): number[] =>
  Array.from(vector, (component) => Number(component.toPrecision(DIGITS)));

/** Words one after the other, the most frequent ones short. */
export class WordDice {
  private readonly upTo = new Float64Array(VOCABULARY);
  private readonly dice: () => number;
  private sum = 0;

  constructor(seed: number) {
    for (let rank = 0; rank < VOCABULARY; rank++) {
      this.sum += 1 / (rank + 1);
      this.upTo[rank] = this.sum;
    }
    this.dice = unitDice(seed);
  }

  next(): string {
    const wanted = this.dice() * this.sum;
    let low = 0;
    let high = VOCABULARY - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.upTo[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return word(low);
  }

  text(words: number): string {
    return Array.from({ length: words }, () => this.next()).join(" ");
  }
}

const SYLLABLES = ["ka", "lo", "mu", "ri", "te", "zo", "pa", "ni", "vu", "sha", "bro", "gli", "den", "fos"];

/** A word for each rank; no two are alike, also when stemmed. */
function word(rank: number): string {
  let text = "";
  for (let rest = rank + 1; rest > 0; rest = Math.floor(rest / SYLLABLES.length))
    text += SYLLABLES[rest % SYLLABLES.length];
  return `${text}k`;
}

/** Writes the documents as NDJSON. */
export async function writeLibrary(path: string, size: LibrarySize): Promise<void> {
  const vectors = size.width > 0 ? new VectorDice(size.width, SEED + 1) : null;
  const words = size.words > 0 ? new WordDice(SEED + 2) : null;
  const file = await open(path, "w");
  let text = "";
  for (let document = 0; document < size.documents; document++) {
    const data = {
      key: `d${String(document).padStart(7, "0")}`,
      shelf: document % 100,
      ...(vectors === null ? {} : { v: written(vectors.next()) }),
      ...(words === null ? {} : { text: words.text(size.words) }),
    };
    text += `${JSON.stringify({ type: "Doc", data })}\n`;
    if (text.length < CHUNK) continue;
    await file.write(text);
    text = "";
  }
  await file.write(text);
  await file.close();
}
