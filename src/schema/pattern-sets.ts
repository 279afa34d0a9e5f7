// Sets of characters that `@check` patterns are made of. Unicode tables are those of the runtime's own RegExp, asked
// for one character at a time, so that nothing here ever backtracks.

/** Whether a code point belongs. */
export type CharacterSet = (code: number) => boolean;

const LF = 0x0a;

export const anyCharacter: CharacterSet = () => true;
export const anyButNewline: CharacterSet = (code) => code !== LF;

export const negate =
  (set: CharacterSet): CharacterSet =>
  (code) =>
    !set(code);

export function union(sets: readonly CharacterSet[]): CharacterSet {
  return sets.length === 1 ? sets[0] : (code) => sets.some((set) => set(code));
}

/** `&&` keeps what is in both, `--` what is only in the left, `~~` what is in exactly one. */
export function combine(operator: "&&" | "--" | "~~", left: CharacterSet, right: CharacterSet): CharacterSet {
  switch (operator) {
    case "&&":
      return (code) => left(code) && right(code);
    case "--":
      return (code) => left(code) && !right(code);
    case "~~":
      return (code) => left(code) !== right(code);
  }
}

/** Characters from `first` to `last`; without case, also those that differ from one of them by case only. */
export function range(first: number, last: number, ignoreCase: boolean): CharacterSet {
  if (!ignoreCase) return (code) => code >= first && code <= last;
  // Made when first asked: admission reads patterns without matching anything.
  let regExp: RegExp | null = null;
  return (code) => {
    regExp ??= new RegExp(`[\\u{${first.toString(16)}}-\\u{${last.toString(16)}}]`, "iu");
    return regExp.test(String.fromCodePoint(code));
  };
}

function ofRegExp(regExp: RegExp): CharacterSet {
  return (code) => regExp.test(String.fromCodePoint(code));
}

export const digits = ofRegExp(/\p{Nd}/u);
export const spaces = ofRegExp(/\p{White_Space}/u);
export const wordCharacters = ofRegExp(/[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u);

const PROPERTY = /^[A-Za-z0-9_]+(?:=[A-Za-z0-9_]+)?$/;

/** The set of `\p{name}`: a general category, a script or a binary property; null where there is none of that name. */
export function unicodeProperty(name: string, ignoreCase: boolean): CharacterSet | null {
  if (!PROPERTY.test(name)) return null;
  const titled = name.toLowerCase().replace(/(?:^|[_=])[a-z]/g, (start) => start.toUpperCase());
  for (const spelling of [name, titled, name.toUpperCase()]) {
    for (const property of [spelling, `Script=${spelling}`]) {
      try {
        return ofRegExp(new RegExp(`\\p{${property}}`, ignoreCase ? "iu" : "u"));
      } catch {
        // Not a property of this spelling; the next may be one.
      }
    }
  }
  return null;
}

const POSIX: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/v,
  alpha: /[A-Za-z]/v,
  ascii: /\p{ASCII}/v,
  blank: /[\t ]/v,
  cntrl: /[\p{Cc}&&\p{ASCII}]/v,
  digit: /[0-9]/v,
  graph: /[!-~]/v,
  lower: /[a-z]/v,
  print: /[ -~]/v,
  punct: /[!-\/:-@\[-`\{-~]/v,
  space: /[\t\n\v\f\r ]/v,
  upper: /[A-Z]/v,
  word: /[0-9A-Za-z_]/v,
  xdigit: /[0-9A-Fa-f]/v,
};

/** The set of `[:name:]`, ASCII only; null where there is none of that name. */
export function posixClass(name: string, ignoreCase: boolean): CharacterSet | null {
  if (!Object.hasOwn(POSIX, name)) return null;
  return ofRegExp(ignoreCase ? new RegExp(POSIX[name].source, "iv") : POSIX[name]);
}
