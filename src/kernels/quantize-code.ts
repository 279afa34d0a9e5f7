// The SIMD loop that turns rows of floats into bytes. What it does is said, and done once more in plain TypeScript, in
// vector-twin.ts.

import {
  type FunctionBody,
  FunctionWriter,
  f32,
  f32x4,
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
} from "./assembler.ts";
import { greatestFloat, sumOfFloats } from "./lanes.ts";
import { CODE_MAX, LANES, ROW_FACTS_BYTES, STEP_MIN } from "./limits.ts";

const FLOAT_BYTES = 4;

export function quantizeCode(): FunctionBody {
  const writer = new FunctionWriter("quantize");
  const source = writer.parameter("i32");
  const rows = writer.parameter("i32");
  const stride = writer.parameter("i32");
  const code = writer.parameter("i32");
  const facts = writer.parameter("i32");
  const row = writer.local("i32");
  const sourceEnd = writer.local("i32");
  const scale = writer.local("f32");
  const eight: EightFloats = {
    at: writer.local("i32"),
    first: source,
    end: sourceEnd,
    low: writer.local("v128"),
    high: writer.local("v128"),
  };
  const norm = writer.local("v128");
  const error = writer.local("v128");
  const greatest = writer.local("v128");

  return writer.finish(
    [
      set(row, i32.const(0)),
      repeatWhile(
        [
          set(sourceEnd, i32.add(source, i32.mul(stride, i32.const(FLOAT_BYTES)))),
          ...measure(eight, greatest, norm),
          set(scale, f32.div(greatestFloat(greatest), f32.const(CODE_MAX))),
          ...encode(writer, eight, scale, code, error),
          f32.store(facts, sumOfFloats(norm)),
          f32.store(facts, scale, FLOAT_BYTES),
          f32.store(facts, f32.sqrt(sumOfFloats(error)), 2 * FLOAT_BYTES),
          set(facts, i32.add(facts, i32.const(ROW_FACTS_BYTES))),
          set(source, sourceEnd),
          set(row, i32.add(row, i32.const(1))),
        ],
        i32.lessThan(row, rows),
      ),
    ],
    rows,
  );
}

/** The variables of a walk over a row, eight components a step. */
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

/** Writes the codes, and sums up the squares of what they are off by. */
function encode(
  writer: FunctionWriter,
  eight: EightFloats,
  scale: Local<"f32">,
  code: Local<"i32">,
  error: Local<"v128">,
): Statement[] {
  const inverse = writer.local("f32");
  const lowCode = writer.local("v128");
  const highCode = writer.local("v128");
  const rest = writer.local("v128");
  const rounded = (value: V128) => f32x4.nearest(f32x4.mul(value, f32x4.splat(inverse)));
  const offBy = (value: V128, coded: V128) => f32x4.sub(value, f32x4.mul(coded, f32x4.splat(scale)));
  const shorts = i16x8.fromI32x4(i32x4.truncateF32x4(lowCode), i32x4.truncateF32x4(highCode));
  const isSound = f32.greaterThan(scale, f32.const(STEP_MIN));
  return [
    set(inverse, f32.select(isSound, f32.div(f32.const(1), scale), f32.const(0))),
    set(error, v128.zero()),
    ...eachEight(eight, [
      set(lowCode, rounded(eight.low)),
      set(highCode, rounded(eight.high)),
      set(rest, offBy(eight.low, lowCode)),
      addSquare(error, rest),
      set(rest, offBy(eight.high, highCode)),
      addSquare(error, rest),
      v128.storeLow8(code, i8x16.fromI16x8(shorts, shorts)),
      set(code, i32.add(code, i32.const(LANES))),
    ]),
  ];
}
