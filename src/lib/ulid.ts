import type { Ports } from "./ports.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_CHARACTERS = 10;
const RANDOM_BYTES = 10;

/** A fresh ULID: 48 bits of time in ms, 80 random bits, 26 characters of Crockford base 32 (github.com/ulid/spec). */
export function ulid(ports: Ports): string {
  let time = ports.now();
  let text = "";
  for (let i = 0; i < TIME_CHARACTERS; i++) {
    text = ALPHABET[time % 32] + text;
    time = Math.floor(time / 32);
  }
  const random = ports.randomBytes(new Uint8Array(RANDOM_BYTES));
  let bits = 0;
  let held = 0;
  for (const byte of random) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return text;
}

/** When an ULID was made, in ms since the epoch. */
export function ulidTime(id: string): number {
  let time = 0;
  for (const character of id.slice(0, TIME_CHARACTERS)) time = time * 32 + ALPHABET.indexOf(character);
  return time;
}

/** True for the 26 characters that `ulid` produces. */
export function isUlid(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
}

/**
 * Fresh ULIDs that share one random start and count up from it (the spec's monotonic form): for many ids at a time.
 * Cheaper than `ulid`, ordered as they were made, and their common prefix compresses.
 */
export function ulidSequence(ports: Ports): () => string {
  const characters = [...ulid(ports)].map((character) => ALPHABET.indexOf(character));
  return () => {
    let at = characters.length - 1;
    while (at >= TIME_CHARACTERS && characters[at] === 31) characters[at--] = 0;
    // Past the random part the count would run into the time: start over with a new one.
    if (at < TIME_CHARACTERS)
      characters.splice(0, characters.length, ...[...ulid(ports)].map((c) => ALPHABET.indexOf(c)));
    else characters[at] += 1;
    let text = "";
    for (const value of characters) text += ALPHABET[value];
    return text;
  };
}
