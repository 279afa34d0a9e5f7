// How storage/memory can be told to fail, one call at a time: by a script or by a seed.

/** One request as a store would see it. Retries are requests of their own. */
export interface StorageCall {
  /** Counts the calls of one adapter and everything derived from it by `under`, from 0. */
  readonly index: number;
  readonly method: "get" | "head" | "put" | "putIfAbsent" | "putIfMatch" | "list" | "delete";
  /** The key, or the prefix of a listing, from the top of the bucket. */
  readonly key: string;
}

export type Fault =
  /** The process dies before the request reaches the store. */
  | { readonly kind: "crash-before" }
  /** The process dies after the request took effect. */
  | { readonly kind: "crash-after" }
  /** The request takes effect and its response never arrives. */
  | { readonly kind: "lose-response" }
  /** The store answers this HTTP status; with `applied` the request took effect all the same. */
  | { readonly kind: "answer"; readonly status: number; readonly applied?: boolean }
  /** Of a put only the first `bytes` bytes are kept, and the process dies: what a disk without fsync may do. */
  | { readonly kind: "tear"; readonly bytes: number }
  /** The request takes this long. */
  | { readonly kind: "latency"; readonly ms: number };

/** Asked before every request; null lets it pass. */
export type Faults = (call: StorageCall) => Fault | null;

/** Thrown by a call in which the simulated process died, and by every later call of that process. */
export class CrashError extends Error {
  override readonly name = "CrashError";
  constructor(readonly call: StorageCall) {
    super(`simulated crash at call ${call.index} (${call.method} '${call.key}')`);
  }
}

/** The faults of the first calls, in order; calls beyond the script pass. */
export function scriptedFaults(script: readonly (Fault | null)[]): Faults {
  return (call) => script[call.index] ?? null;
}

/** Chances in [0, 1], each for one call. */
export interface FaultRates {
  readonly crashBefore?: number;
  readonly crashAfter?: number;
  readonly loseResponse?: number;
  /** 409, to conditional puts only. */
  readonly conflict?: number;
  /** 429, without effect. */
  readonly throttle?: number;
  /** 500, and the request took effect or not, evenly. */
  readonly serverError?: number;
  readonly latency?: number;
  /** Milliseconds, the longest. */
  readonly latencyMsMax?: number;
}

/** Faults at random, the same for the same seed and sequence of calls. */
export function seededFaults(seed: number, rates: FaultRates): Faults {
  const next = seededUnit(seed);
  return ({ method }) => {
    const draw = next();
    const detail = next();
    let below = 0;
    const hits = (rate: number | undefined) => {
      below += rate ?? 0;
      return draw < below;
    };
    if (hits(rates.crashBefore)) return { kind: "crash-before" };
    if (hits(rates.crashAfter)) return { kind: "crash-after" };
    if (hits(rates.loseResponse)) return { kind: "lose-response" };
    if (hits(rates.throttle)) return { kind: "answer", status: 429 };
    if (hits(rates.serverError)) return { kind: "answer", status: 500, applied: detail < 0.5 };
    if (hits(rates.latency)) return { kind: "latency", ms: Math.ceil(detail * (rates.latencyMsMax ?? 1)) };
    const isConditional = method === "putIfAbsent" || method === "putIfMatch";
    return isConditional && hits(rates.conflict) ? { kind: "answer", status: 409 } : null;
  };
}

/** A small generator of numbers in [0, 1) (mulberry32); every seed gives its own sequence. */
export function seededUnit(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
