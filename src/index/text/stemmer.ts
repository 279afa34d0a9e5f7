// The English stemmer of the Snowball project ("Porter2", snowballstem.org/algorithms/english/stemmer.html), for words in
// lower case without apostrophes. `Y` in capitals marks a y that acts as a consonant.

const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  ["skis", "ski"],
  ["skies", "sky"],
  ["dying", "die"],
  ["lying", "lie"],
  ["tying", "tie"],
  ["idly", "idl"],
  ["gently", "gentl"],
  ["ugly", "ugli"],
  ["early", "earli"],
  ["only", "onli"],
  ["singly", "singl"],
  ...["sky", "news", "howe", "atlas", "cosmos", "bias", "andes"].map((word): [string, string] => [
    word,
    word,
  ]),
]);

/** Left alone once step 1a is done. */
const KEPT_AFTER_1A = new Set([
  "inning",
  "outing",
  "canning",
  "herring",
  "earring",
  "proceed",
  "exceed",
  "succeed",
]);

/** Words whose first region begins after this, whatever the rule says. */
const R1_PREFIX = /^(?:gener|commun|arsen)/;
const DOUBLES = new Set(["bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt"]);
const VALID_LI = new Set("cdeghkmnrt");

type Rules = readonly (readonly [suffix: string, replacement: string])[];

/** Longest suffix first within each step. */
const byLength = (rules: Rules): Rules => rules.toSorted((a, b) => b[0].length - a[0].length);

const STEP_2 = byLength([
  ["tional", "tion"],
  ["enci", "ence"],
  ["anci", "ance"],
  ["abli", "able"],
  ["entli", "ent"],
  ["izer", "ize"],
  ["ization", "ize"],
  ["ational", "ate"],
  ["ation", "ate"],
  ["ator", "ate"],
  ["alism", "al"],
  ["aliti", "al"],
  ["alli", "al"],
  ["fulness", "ful"],
  ["ousli", "ous"],
  ["ousness", "ous"],
  ["iveness", "ive"],
  ["iviti", "ive"],
  ["biliti", "ble"],
  ["bli", "ble"],
  ["ogi", "og"],
  ["fulli", "ful"],
  ["lessli", "less"],
  ["li", ""],
]);

const STEP_3 = byLength([
  ["tional", "tion"],
  ["ational", "ate"],
  ["alize", "al"],
  ["icate", "ic"],
  ["iciti", "ic"],
  ["ical", "ic"],
  ["ful", ""],
  ["ness", ""],
  ["ative", ""],
]);

const STEP_4 = byLength(
  [
    "al",
    "ance",
    "ence",
    "er",
    "ic",
    "able",
    "ible",
    "ant",
    "ement",
    "ment",
    "ent",
    "ism",
    "ate",
    "iti",
    "ous",
    "ive",
    "ize",
    "ion",
  ].map((suffix): [string, string] => [suffix, ""]),
);

const isVowel = (letter: string | undefined): boolean => letter !== undefined && "aeiouy".includes(letter);

/** The stem of a word. */
export function stem(word: string): string {
  if (word.length <= 2) return word;
  const exception = EXCEPTIONS.get(word);
  if (exception !== undefined) return exception;
  const marked = markConsonantY(word);
  const r1 = R1_PREFIX.exec(marked)?.[0].length ?? regionAfter(marked, 0);
  const r2 = regionAfter(marked, r1);
  const plural = step1a(marked);
  if (KEPT_AFTER_1A.has(plural)) return plural;
  const bare = step1c(step1b(plural, r1));
  const derived = step4(step3(step2(bare, r1), r1, r2), r2);
  return step5(derived, r1, r2).replaceAll("Y", "y");
}

function markConsonantY(word: string): string {
  if (!word.includes("y")) return word;
  let out = "";
  for (let i = 0; i < word.length; i++) {
    const isConsonant = word[i] === "y" && (i === 0 || isVowel(out[i - 1]));
    out += isConsonant ? "Y" : word[i];
  }
  return out;
}

/** Where the region begins that follows the first non-vowel after a vowel, looking from `start` on. */
function regionAfter(word: string, start: number): number {
  for (let i = start + 1; i < word.length; i++) {
    if (!isVowel(word[i]) && isVowel(word[i - 1])) return i + 1;
  }
  return word.length;
}

function hasVowel(text: string): boolean {
  for (const letter of text) if (isVowel(letter)) return true;
  return false;
}

function endsInShortSyllable(word: string): boolean {
  const last = word[word.length - 1];
  const vowel = word[word.length - 2];
  if (word.length === 2) return isVowel(vowel) && !isVowel(last);
  if (word.length < 2 || isVowel(last) || last === "w" || last === "x" || last === "Y") return false;
  return isVowel(vowel) && !isVowel(word[word.length - 3]);
}

function step1a(word: string): string {
  if (word.endsWith("sses")) return word.slice(0, -2);
  if (word.endsWith("ied") || word.endsWith("ies")) return word.slice(0, word.length > 4 ? -2 : -1);
  if (!word.endsWith("s") || word.endsWith("us") || word.endsWith("ss")) return word;
  return hasVowel(word.slice(0, -2)) ? word.slice(0, -1) : word;
}

function step1b(word: string, r1: number): string {
  for (const suffix of ["eedly", "eed"]) {
    if (word.endsWith(suffix)) {
      const start = word.length - suffix.length;
      return start >= r1 ? `${word.slice(0, start)}ee` : word;
    }
  }
  const suffix = ["ingly", "edly", "ing", "ed"].find((candidate) => word.endsWith(candidate));
  if (suffix === undefined) return word;
  const rest = word.slice(0, -suffix.length);
  if (!hasVowel(rest)) return word;
  if (/(?:at|bl|iz)$/.test(rest)) return `${rest}e`;
  if (DOUBLES.has(rest.slice(-2))) return rest.slice(0, -1);
  return rest.length <= r1 && endsInShortSyllable(rest) ? `${rest}e` : rest;
}

function step1c(word: string): string {
  const last = word[word.length - 1];
  const isReplaced = (last === "y" || last === "Y") && word.length > 2 && !isVowel(word[word.length - 2]);
  return isReplaced ? `${word.slice(0, -1)}i` : word;
}

function step2(word: string, r1: number): string {
  const rule = STEP_2.find(([suffix]) => word.endsWith(suffix));
  if (rule === undefined || word.length - rule[0].length < r1) return word;
  const rest = word.slice(0, word.length - rule[0].length);
  const before = rest[rest.length - 1];
  if (rule[0] === "ogi" && before !== "l") return word;
  if (rule[0] === "li" && !VALID_LI.has(before)) return word;
  return rest + rule[1];
}

function step3(word: string, r1: number, r2: number): string {
  const rule = STEP_3.find(([suffix]) => word.endsWith(suffix));
  if (rule === undefined || word.length - rule[0].length < r1) return word;
  const start = word.length - rule[0].length;
  if (rule[0] === "ative" && start < r2) return word;
  return word.slice(0, start) + rule[1];
}

function step4(word: string, r2: number): string {
  const rule = STEP_4.find(([suffix]) => word.endsWith(suffix));
  if (rule === undefined || word.length - rule[0].length < r2) return word;
  const rest = word.slice(0, word.length - rule[0].length);
  return rule[0] === "ion" && !rest.endsWith("s") && !rest.endsWith("t") ? word : rest;
}

function step5(word: string, r1: number, r2: number): string {
  const rest = word.slice(0, -1);
  if (word.endsWith("e")) {
    const isDropped = rest.length >= r2 || (rest.length >= r1 && !endsInShortSyllable(rest));
    return isDropped ? rest : word;
  }
  return word.endsWith("ll") && rest.length >= r2 ? rest : word;
}
