// A generated graph of who follows whom: the same file for the same sizes and seed. Cities, and who is followed, are
// skewed, as they are among real people: a few have most of them.

import { open } from "node:fs/promises";

export interface PeopleSize {
  readonly people: number;
  readonly follows: number;
  readonly cities: number;
  /** True where a few people also follow most of the others. */
  readonly areFollowersSkewed?: boolean;
  /** True where follows stand in no order, and each has an id of its own. */
  readonly areFollowsLoose?: boolean;
}

export const PEOPLE_SCHEMA = `node Person {
  name: String @key
  age: I32
  city: String
}

edge Follows: Person -> Person
`;

const SEED = 20_251_121;
const AGE_LEAST = 18;
const AGES = 72;
/** Bytes gathered before they are written. */
const CHUNK = 1 << 20;

/** A small generator of equal streams for equal seeds (mulberry32), uniform in [0, 1). */
export function unitDice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const personName = (number: number) => `p${String(number).padStart(7, "0")}`;
export const cityName = (number: number) => `city-${number}`;

/** City `n` has a share of 1 / (n + 1): of 500 cities the largest holds 15% of all. */
function cityDice(cities: number, dice: () => number): () => number {
  const upTo = new Float64Array(cities);
  let sum = 0;
  for (let city = 0; city < cities; city++) {
    sum += 1 / (city + 1);
    upTo[city] = sum;
  }
  return () => {
    const wanted = dice() * sum;
    let low = 0;
    let high = cities - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (upTo[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Every pair of a follower and who is followed, once; the followed ones are skewed (a density of 1 / √x). */
export function* followed(size: PeopleSize, seed = SEED): Generator<readonly [number, number]> {
  const { people } = size;
  const dice = unitDice(seed);
  const taken = new Set<number>();
  for (let from = 0; from < people; from++) {
    taken.clear();
    const wanted = followsOf(size, from);
    while (taken.size < wanted) {
      const share = dice();
      // A stride that is prime to most sizes, so that who is followed most does not also stand first in the file.
      const to = (Math.floor(people * share * share) * 7_919) % people;
      if (to !== from) taken.add(to);
    }
    for (const to of taken) yield [from, to];
  }
}

/** The same pairs in no order (Fisher and Yates). */
function* shuffled(size: PeopleSize, seed: number): Generator<readonly [number, number]> {
  const pairs: (readonly [number, number])[] = [...followed(size, seed)];
  const dice = unitDice(seed + 2);
  for (let last = pairs.length - 1; last >= 0; last--) {
    const chosen = Math.floor(dice() * (last + 1));
    yield pairs[chosen];
    pairs[chosen] = pairs[last];
  }
}

/** How many others a person follows. */
function followsOf({ people, follows, areFollowersSkewed }: PeopleSize, person: number): number {
  const mean = follows / people;
  if (!areFollowersSkewed)
    return Math.floor(((person + 1) * follows) / people) - Math.floor((person * follows) / people);
  // Shares of 1 / √x again, over all people in an order of their own.
  const rank = ((person * 104_729) % people) + 1;
  return Math.min(people >> 1, Math.round((mean * Math.sqrt(people)) / (2 * Math.sqrt(rank))));
}

/** Writes all people, then all follows, as NDJSON; answers the rows. */
export async function writePeople(path: string, size: PeopleSize, seed = SEED): Promise<number> {
  const dice = unitDice(seed + 1);
  const city = cityDice(size.cities, dice);
  const file = await open(path, "w");
  let text = "";
  let rows = 0;
  const line = async (record: string) => {
    text += `${record}\n`;
    rows++;
    if (text.length < CHUNK) return;
    await file.write(text);
    text = "";
  };
  for (let person = 0; person < size.people; person++) {
    const age = AGE_LEAST + Math.floor(dice() * AGES);
    await line(
      `{"type":"Person","data":{"name":"${personName(person)}","age":${age},"city":"${cityName(city())}"}}`,
    );
  }
  let follow = 0;
  for (const [from, to] of size.areFollowsLoose ? shuffled(size, seed) : followed(size, seed)) {
    const data = size.areFollowsLoose ? `,"data":{"id":"follow-${follow++}"}` : "";
    await line(`{"edge":"Follows","from":"${personName(from)}","to":"${personName(to)}"${data}}`);
  }
  await file.write(text);
  await file.close();
  return rows;
}
