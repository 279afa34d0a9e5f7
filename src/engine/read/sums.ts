// Sums whose rounding does not show, group by group: whatever the order of the rows, the total is the double nearest to the true
// one. What an addition of doubles loses is a double again and is added to the next level; few values lose anything there.

/** Every double is a whole multiple of two to the power of minus this. */
const FINEST = 1074n;
const FRACTION_BITS = 52n;
const EXPONENT_MAX = 0x7ffn;

export class Sums {
  /** What the values add up to, as doubles do it; then what that lost, and what that lost in turn. */
  private readonly sums: Float64Array;
  private readonly lost: Float64Array;
  private readonly lostAgain: Float64Array;
  /** What is left over then, or is beyond doubles, as multiples of the finest double. */
  private readonly rest = new Map<number, bigint>();

  constructor(groups: number) {
    this.sums = new Float64Array(groups);
    this.lost = new Float64Array(groups);
    this.lostAgain = new Float64Array(groups);
  }

  add(group: number, value: number): void {
    const before = this.sums[group];
    const after = before + value;
    const left = Math.abs(before) >= Math.abs(value) ? before - after + value : value - after + before;
    if (left === 0) this.sums[group] = after;
    else if (Number.isFinite(after)) {
      this.sums[group] = after;
      this.addLost(group, left);
    } else this.addExactly(group, finest(value));
  }

  private addLost(group: number, value: number): void {
    let left = value;
    for (const lost of [this.lost, this.lostAgain]) {
      const before = lost[group];
      const after = before + left;
      lost[group] = after;
      left = Math.abs(before) >= Math.abs(left) ? before - after + left : left - after + before;
      if (left === 0) return;
    }
    this.addExactly(group, finest(left));
  }

  /** Adds `value` as often as `times` tells: a product and the error of its rounding. */
  addTimes(group: number, value: number, times: number): void {
    if (times === 1) {
      this.add(group, value);
      return;
    }
    const product = value * times;
    const [valueHigh, valueLow] = halves(value);
    const [timesHigh, timesLow] = halves(times);
    const error =
      valueHigh * timesHigh - product + valueHigh * timesLow + valueLow * timesHigh + valueLow * timesLow;
    if (Number.isFinite(error)) {
      this.add(group, product);
      if (error !== 0) this.add(group, error);
    } else this.addExactly(group, finest(value) * BigInt(times));
  }

  private addExactly(group: number, value: bigint): void {
    this.rest.set(group, (this.rest.get(group) ?? 0n) + value);
  }

  total(group: number): number {
    const parts = [this.sums[group], this.lost[group], this.lostAgain[group]];
    const rest = this.rest.get(group) ?? 0n;
    // Two doubles are rounded once.
    if (rest === 0n && parts[2] === 0) return parts[0] + parts[1];
    return nearest(parts.reduce((sum, part) => sum + finest(part), rest));
  }
}

/** Splits the 53 bits of a double into two halves (Veltkamp). */
function halves(value: number): readonly [number, number] {
  const scaled = value * (2 ** 27 + 1);
  const high = scaled - (scaled - value);
  return [high, value - high];
}

const view = new DataView(new ArrayBuffer(8));

/** A finite double as a multiple of the finest one. */
function finest(value: number): bigint {
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> FRACTION_BITS) & EXPONENT_MAX;
  const fraction = bits & ((1n << FRACTION_BITS) - 1n);
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << FRACTION_BITS)) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}

const HEX_DIGIT_BITS = 4;
/** Digits that hold a double's 53 bits, and at least one more by which it is rounded. */
const KEPT_DIGITS = 16;

/** The double nearest to a multiple of the finest one. */
function nearest(multiple: bigint): number {
  const magnitude = multiple < 0n ? -multiple : multiple;
  const dropped = BigInt(Math.max(0, magnitude.toString(16).length - KEPT_DIGITS) * HEX_DIGIT_BITS);
  const kept = magnitude >> dropped;
  // A last bit stands for all that was dropped, so that halves are told from what is more.
  const isMore = kept << dropped !== magnitude;
  const rounded = Number(isMore ? kept | 1n : kept) * 2 ** Number(dropped - FINEST);
  return multiple < 0n ? -rounded : rounded;
}
