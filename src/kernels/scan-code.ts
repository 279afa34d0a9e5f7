// The SIMD loop that finds the rows which may be near a query. What it does is said, and done once more in plain
// TypeScript, in vector-twin.ts.

import {
  type FunctionBody,
  FunctionWriter,
  f64x2,
  type I32,
  i16x8,
  i32,
  i32x4,
  type Local,
  repeatWhile,
  type Statement,
  set,
  type V128,
  v128,
  when,
  whileTrue,
} from "./assembler.ts";
import { FACT_BYTES, FLOAT_BYTES, LANES, ROW_FACTS_BYTES, ROWS_AT_ONCE, STEP_COMPONENTS } from "./limits.ts";

const SHORT_BYTES = 2;
const INT_BYTES = 4;

export function scanCode(): FunctionBody {
  const writer = new FunctionWriter("scan");
  const first = writer.parameter("i32");
  const end = writer.parameter("i32");
  const head = writer.parameter("i32");
  const tail = writer.parameter("i32");
  const headCodes = writer.parameter("i32");
  const tailCodes = writer.parameter("i32");
  const facts = writer.parameter("i32");
  const query = writer.parameter("i32");
  const found = writer.parameter("i32");
  const skipsTails = writer.parameter("i32");
  const normWeight = writer.parameter("f64");
  const errorWeight = writer.parameter("f64");
  const dotWeight = writer.parameter("f64");
  const tailWeight = writer.parameter("f64");
  const limit = writer.parameter("f64");
  const row = writer.local("i32");
  const fact = writer.local("i32");
  const count = writer.local("i32");
  const whole = writer.local("i32");
  const isNear = writer.local("i32");
  const dots = writer.local("v128");
  const near = [writer.local("v128"), writer.local("v128")] as const;
  const products = new Products(writer);

  /** Of the first or the second two rows. */
  const factsOf = (half: number, which: number): V128 =>
    f64x2.fromLowF32x4(v128.load(fact, which * FACT_BYTES + half * 2 * FLOAT_BYTES));
  const dotsOf = (half: number): V128 =>
    f64x2.fromLowI32x4(half === 0 ? dots : i32x4.pick(dots, dots, [2, 3, 2, 3]));
  /** The least that counts against two rows, of which so much of the products is known. */
  const least = (half: number): V128 => {
    const product = f64x2.mul(f64x2.mul(f64x2.splat(dotWeight), factsOf(half, 1)), dotsOf(half));
    const own = f64x2.mul(f64x2.splat(normWeight), factsOf(half, 0));
    return f64x2.sub(f64x2.sub(own, f64x2.mul(f64x2.splat(errorWeight), factsOf(half, 2))), product);
  };
  const leastOfHead = (half: number): V128 =>
    f64x2.sub(least(half), f64x2.mul(f64x2.splat(tailWeight), factsOf(half, 3)));
  const isWithin = (value: V128): V128 => f64x2.lessOrEqual(value, f64x2.splat(limit));
  const take = (place: number): Statement =>
    when(i32.and(f64x2.bits(near[place >> 1]), i32.const(1 + (place & 1))), [
      set(count, i32.add(count, i32.const(1))),
      i32.store(i32.add(found, i32.mul(count, i32.const(INT_BYTES))), i32.add(row, i32.const(place))),
    ]);
  const tailQuery = i32.add(query, i32.mul(head, i32.const(SHORT_BYTES)));

  return writer.finish(
    [
      set(row, first),
      set(count, i32.const(0)),
      set(whole, i32.const(0)),
      set(fact, i32.add(facts, i32.mul(first, i32.const(ROW_FACTS_BYTES)))),
      whileTrue(i32.lessThan(row, end), [
        ...products.clear(),
        ...products.add(i32.add(headCodes, i32.mul(row, head)), head, query),
        set(isNear, i32.const(1)),
        when(skipsTails, [
          set(dots, products.sums()),
          set(isNear, v128.anyTrue(v128.or(isWithin(leastOfHead(0)), isWithin(leastOfHead(1))))),
        ]),
        when(isNear, [
          set(whole, i32.add(whole, i32.const(1))),
          when(
            i32.lessThan(i32.const(0), tail),
            products.add(i32.add(tailCodes, i32.mul(row, tail)), tail, tailQuery),
          ),
          set(dots, products.sums()),
          set(near[0], isWithin(least(0))),
          set(near[1], isWithin(least(1))),
          when(v128.anyTrue(v128.or(near[0], near[1])), [0, 1, 2, 3].map(take)),
        ]),
        set(fact, i32.add(fact, i32.const(ROWS_AT_ONCE * ROW_FACTS_BYTES))),
        set(row, i32.add(row, i32.const(ROWS_AT_ONCE))),
      ]),
      i32.store(found, whole),
    ],
    count,
  );
}

/** The products of a few rows' codes with those of the query, which is read once for all of them. */
class Products {
  private readonly queryAt: Local<"i32">;
  private readonly queryEnd: Local<"i32">;
  private readonly eight: Local<"v128">;
  private readonly codeAt: readonly Local<"i32">[];
  private readonly rowSums: readonly Local<"v128">[];

  constructor(writer: FunctionWriter) {
    this.queryAt = writer.local("i32");
    this.queryEnd = writer.local("i32");
    this.eight = writer.local("v128");
    this.codeAt = Array.from({ length: ROWS_AT_ONCE }, () => writer.local("i32"));
    this.rowSums = Array.from({ length: ROWS_AT_ONCE }, () => writer.local("v128"));
  }

  clear(): Statement[] {
    return this.rowSums.map((sum) => set(sum, v128.zero()));
  }

  /** Adds the products over `stride` components; the rows' codes follow one another. */
  add(codes: I32, stride: I32, query: I32): Statement[] {
    const { queryAt, queryEnd, eight, codeAt, rowSums } = this;
    const multiply = (first: number): Statement[] => [
      set(eight, v128.load(queryAt, first * SHORT_BYTES)),
      ...rowSums.map((sum, i) =>
        set(sum, i32x4.add(sum, i32x4.dotI16x8(i16x8.loadI8x8(codeAt[i], first), eight))),
      ),
    ];
    const step = Array.from({ length: STEP_COMPONENTS / LANES }, (_, i) => multiply(i * LANES));
    return [
      set(codeAt[0], codes),
      ...codeAt.slice(1).map((local, i) => set(local, i32.add(codeAt[i], stride))),
      set(queryAt, query),
      set(queryEnd, i32.add(query, i32.mul(stride, i32.const(SHORT_BYTES)))),
      repeatWhile(
        [
          ...step.flat(),
          ...codeAt.map((local) => set(local, i32.add(local, i32.const(STEP_COMPONENTS)))),
          set(queryAt, i32.add(queryAt, i32.const(STEP_COMPONENTS * SHORT_BYTES))),
        ],
        i32.lessThan(queryAt, queryEnd),
      ),
    ];
  }

  /** The products of the four rows, one a lane. */
  sums(): V128 {
    const [a, b, c, d] = this.rowSums;
    return sumsOfLanes(sumsOfHalves(a, b), sumsOfHalves(c, d));
  }
}

/** Of each of two vectors, lanes 0 and 2 added, and 1 and 3. */
const sumsOfHalves = (a: V128, b: V128): V128 =>
  i32x4.add(i32x4.pick(a, b, [0, 1, 4, 5]), i32x4.pick(a, b, [2, 3, 6, 7]));

/** Of two vectors, neighbours added. */
const sumsOfLanes = (a: V128, b: V128): V128 =>
  i32x4.add(i32x4.pick(a, b, [0, 2, 4, 6]), i32x4.pick(a, b, [1, 3, 5, 7]));
