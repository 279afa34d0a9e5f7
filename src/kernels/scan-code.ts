// The SIMD loop that finds the rows which may be near a query. What it does is said, and done once more in plain
// TypeScript, in vector-twin.ts.

import {
  type F64,
  type FunctionBody,
  FunctionWriter,
  f32,
  f64,
  i16x8,
  i32,
  i32x4,
  repeatWhile,
  type Statement,
  set,
  type V128,
  v128,
  when,
} from "./assembler.ts";
import { sumOfIntegers } from "./lanes.ts";
import { LANES, ROW_FACTS_BYTES, ROWS_AT_ONCE } from "./limits.ts";

const SHORT_BYTES = 2;
const INT_BYTES = 4;
const FLOAT_BYTES = 4;

export function scanCode(): FunctionBody {
  const writer = new FunctionWriter("scan");
  const first = writer.parameter("i32");
  const end = writer.parameter("i32");
  const codes = writer.parameter("i32");
  const stride = writer.parameter("i32");
  const facts = writer.parameter("i32");
  const query = writer.parameter("i32");
  const found = writer.parameter("i32");
  const normWeight = writer.parameter("f64");
  const errorWeight = writer.parameter("f64");
  const dotWeight = writer.parameter("f64");
  const limit = writer.parameter("f64");
  const row = writer.local("i32");
  const at = writer.local("i32");
  const queryAt = writer.local("i32");
  const fact = writer.local("i32");
  const count = writer.local("i32");
  const eight = writer.local("v128");
  const codeAt = Array.from({ length: ROWS_AT_ONCE }, () => writer.local("i32"));
  const dots = Array.from({ length: ROWS_AT_ONCE }, () => writer.local("v128"));
  const lastCodes = codeAt[ROWS_AT_ONCE - 1];

  const factOf = (place: number) => f64.fromF32(f32.load(fact, place * FLOAT_BYTES));
  const least = (dot: V128): F64 => {
    const product = f64.mul(f64.mul(dotWeight, factOf(1)), f64.fromI32(sumOfIntegers(dot)));
    return f64.sub(f64.sub(f64.mul(normWeight, factOf(0)), f64.mul(errorWeight, factOf(2))), product);
  };
  const decide = (dot: V128, place: number): Statement[] => [
    when(f64.lessOrEqual(least(dot), limit), [
      i32.store(i32.add(found, i32.mul(count, i32.const(INT_BYTES))), i32.add(row, i32.const(place))),
      set(count, i32.add(count, i32.const(1))),
    ]),
    set(fact, i32.add(fact, i32.const(ROW_FACTS_BYTES))),
  ];
  const multiply = (dot: (typeof dots)[number], i: number): Statement =>
    set(dot, i32x4.add(dot, i32x4.dotI16x8(i16x8.loadI8x8(i32.add(codeAt[i], at)), eight)));

  return writer.finish(
    [
      set(row, first),
      set(count, i32.const(0)),
      set(fact, i32.add(facts, i32.mul(first, i32.const(ROW_FACTS_BYTES)))),
      set(codeAt[0], i32.add(codes, i32.mul(first, stride))),
      repeatWhile(
        [
          ...codeAt.slice(1).map((local, i) => set(local, i32.add(codeAt[i], stride))),
          ...dots.map((dot) => set(dot, v128.zero())),
          set(queryAt, query),
          set(at, i32.const(0)),
          repeatWhile(
            [
              set(eight, v128.load(queryAt)),
              ...dots.map(multiply),
              set(queryAt, i32.add(queryAt, i32.const(LANES * SHORT_BYTES))),
              set(at, i32.add(at, i32.const(LANES))),
            ],
            i32.lessThan(at, stride),
          ),
          ...dots.flatMap(decide),
          set(codeAt[0], i32.add(lastCodes, stride)),
          set(row, i32.add(row, i32.const(ROWS_AT_ONCE))),
        ],
        i32.lessThan(row, end),
      ),
    ],
    count,
  );
}
