// Who is calling: the bearer token of a request against the digests of the configured ones. Tokens themselves are
// not kept.

import { OmnigraphError } from "../lib/errors.ts";
import type { ActorToken } from "./tokens.ts";

const DIGEST_WORDS = 8;
const SCHEME = "bearer ";

export interface Authenticator {
  /** The actor of the request's token; throws `unauthorized`. */
  readonly authenticate: (headers: Headers) => string;
}

/** Keeps the SHA-256 digests of the tokens and compares a presented one with all of them, in constant time. */
export function createAuthenticator(tokens: readonly ActorToken[]): Authenticator {
  const actors = tokens.map(({ actor }) => actor);
  const digests = new Uint32Array(tokens.length * DIGEST_WORDS);
  tokens.forEach(({ token }, index) => {
    digests.set(digestWords(token), index * DIGEST_WORDS);
  });

  const actorOf = (token: string): string | undefined => {
    const presented = digestWords(token);
    let found = -1;
    for (let index = 0; index < actors.length; index++) {
      let difference = 0;
      for (let word = 0; word < DIGEST_WORDS; word++) {
        difference |= (digests[index * DIGEST_WORDS + word] ?? 0) ^ (presented[word] ?? 0);
      }
      // Minus one where all words agree, zero elsewhere: no branch that depends on the digests.
      const equal = ~((difference | -difference) >> 31);
      found = (found & ~equal) | (index & equal);
    }
    return actors[found];
  };

  return {
    authenticate: (headers) => {
      const header = headers.get("authorization");
      if (header === null || header.slice(0, SCHEME.length).toLowerCase() !== SCHEME) {
        throw new OmnigraphError("unauthorized", "missing bearer token");
      }
      const actor = actorOf(header.slice(SCHEME.length));
      if (actor === undefined) throw new OmnigraphError("unauthorized", "invalid bearer token");
      return actor;
    },
  };
}

function digestWords(token: string): Uint32Array {
  const digest = new Bun.CryptoHasher("sha256").update(token).digest();
  // A copy, so that the words are aligned.
  return new Uint32Array(Uint8Array.from(digest).buffer);
}
