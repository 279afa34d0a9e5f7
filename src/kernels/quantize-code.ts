// The SIMD loop that turns rows of floats into bytes. What it does is said, and done once more in plain TypeScript, in
// vector-twin.ts.

import {
  type FunctionBody,
  FunctionWriter,
  f32,
  f32x4,
  type I32,
  i8x16,
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
import { greatestFloat, sumOfFloats, sumOfIntegers } from "./lanes.ts";
import {
  CODE_MAX,
  FACT_BYTES,
  FLOAT_BYTES,
  LANES,
  ROW_FACTS_BYTES,
  ROWS_AT_ONCE,
  STEP_MIN,
} from "./limits.ts";

export function quantizeCode(): FunctionBody {
  const writer = new FunctionWriter("quantize");
  const source = writer.parameter("i32");
  const rows = writer.parameter("i32");
  const head = writer.parameter("i32");
  const tail = writer.parameter("i32");
  const headCodes = writer.parameter("i32");
  const tailCodes = writer.parameter("i32");
  const facts = writer.parameter("i32");
  const row = writer.local("i32");
  const fact = writer.local("i32");
  const headEnd = writer.local("i32");
  const sourceEnd = writer.local("i32");
  const at = writer.local("i32");
  const scale = writer.local("f32");
  const inverse = writer.local("f32");
  const low = writer.local("v128");
  const high = writer.local("v128");
  const norm = writer.local("v128");
  const error = writer.local("v128");
  const greatest = writer.local("v128");
  const squares = writer.local("v128");
  const bytesOf = (components: Local<"i32">) => i32.mul(components, i32.const(FLOAT_BYTES));
  const isSound = f32.greaterThan(scale, f32.const(STEP_MIN));
  const eight = { at, low, high };
  const coder = new Coder(writer, { scale, inverse, error, squares });

  return writer.finish(
    [
      set(row, i32.const(0)),
      whileTrue(i32.lessThan(row, rows), [
        set(headEnd, i32.add(source, bytesOf(head))),
        set(sourceEnd, i32.add(headEnd, bytesOf(tail))),
        ...measure({ ...eight, first: source, end: sourceEnd }, greatest, norm),
        set(scale, f32.div(greatestFloat(greatest), f32.const(CODE_MAX))),
        set(inverse, f32.select(isSound, f32.div(f32.const(1), scale), f32.const(0))),
        set(error, v128.zero()),
        ...coder.encode({ ...eight, first: source, end: headEnd }, headCodes),
        set(squares, v128.zero()),
        when(
          i32.lessThan(i32.const(0), tail),
          coder.encode({ ...eight, first: headEnd, end: sourceEnd }, tailCodes),
        ),
        set(fact, factAddress(facts, row)),
        f32.store(fact, sumOfFloats(norm)),
        f32.store(fact, scale, FACT_BYTES),
        f32.store(fact, f32.sqrt(sumOfFloats(error)), 2 * FACT_BYTES),
        f32.store(fact, f32.mul(scale, f32.sqrt(f32.fromI32(sumOfIntegers(squares)))), 3 * FACT_BYTES),
        set(source, sourceEnd),
        set(row, i32.add(row, i32.const(1))),
      ]),
    ],
    rows,
  );
}

/** Where the first fact of a row stands, the others four places behind one another. */
function factAddress(facts: I32, row: I32): I32 {
  const group = i32.mul(i32.div(row, i32.const(ROWS_AT_ONCE)), i32.const(ROWS_AT_ONCE * ROW_FACTS_BYTES));
  const lane = i32.mul(i32.rem(row, i32.const(ROWS_AT_ONCE)), i32.const(FLOAT_BYTES));
  return i32.add(facts, i32.add(group, lane));
}

/** The variables of a walk over a row or a part of it, eight components a step. */
interface EightFloats {
  readonly at: Local<"i32">;
  readonly first: Local<"i32">;
  readonly end: Local<"i32">;
  readonly low: Local<"v128">;
  readonly high: Local<"v128">;
}

function eachEight({ at, first, end, low, high }: EightFloats, work: readonly Statement[]): Statement[] {
  const step = [
    set(low, v128.load(at)),
    set(high, v128.load(at, 16)),
    ...work,
    set(at, i32.add(at, i32.const(LANES * FLOAT_BYTES))),
  ];
  return [set(at, first), repeatWhile(step, i32.lessThan(at, end))];
}

const addSquare = (sum: Local<"v128">, value: V128): Statement =>
  set(sum, f32x4.add(sum, f32x4.mul(value, value)));

/** The greatest components by size, and the sums of squares. */
function measure(eight: EightFloats, greatest: Local<"v128">, norm: Local<"v128">): Statement[] {
  const { low, high } = eight;
  return [
    set(greatest, v128.zero()),
    set(norm, v128.zero()),
    ...eachEight(eight, [
      set(greatest, f32x4.max(greatest, f32x4.max(f32x4.abs(low), f32x4.abs(high)))),
      addSquare(norm, low),
      addSquare(norm, high),
    ]),
  ];
}

/** What a row's codes are made with, and what is summed up meanwhile. */
interface CodedRow {
  readonly scale: Local<"f32">;
  readonly inverse: Local<"f32">;
  /** Squares of what the codes are off by. */
  readonly error: Local<"v128">;
  /** Squares of the codes. */
  readonly squares: Local<"v128">;
}

/** Writes codes, a part of a row at a time. */
class Coder {
  private readonly lowCode: Local<"v128">;
  private readonly highCode: Local<"v128">;
  private readonly rest: Local<"v128">;
  private readonly shorts: Local<"v128">;

  constructor(
    writer: FunctionWriter,
    private readonly row: CodedRow,
  ) {
    this.lowCode = writer.local("v128");
    this.highCode = writer.local("v128");
    this.rest = writer.local("v128");
    this.shorts = writer.local("v128");
  }

  encode(eight: EightFloats, code: Local<"i32">): Statement[] {
    const { lowCode, highCode, rest, shorts } = this;
    const { scale, inverse, error, squares } = this.row;
    const rounded = (value: V128) => f32x4.nearest(f32x4.mul(value, f32x4.splat(inverse)));
    const offBy = (value: V128, coded: V128) => f32x4.sub(value, f32x4.mul(coded, f32x4.splat(scale)));
    return eachEight(eight, [
      set(lowCode, rounded(eight.low)),
      set(highCode, rounded(eight.high)),
      set(rest, offBy(eight.low, lowCode)),
      addSquare(error, rest),
      set(rest, offBy(eight.high, highCode)),
      addSquare(error, rest),
      set(shorts, i16x8.fromI32x4(i32x4.truncateF32x4(lowCode), i32x4.truncateF32x4(highCode))),
      set(squares, i32x4.add(squares, i32x4.dotI16x8(shorts, shorts))),
      v128.storeLow8(code, i8x16.fromI16x8(shorts, shorts)),
      set(code, i32.add(code, i32.const(LANES))),
    ]);
  }
}
