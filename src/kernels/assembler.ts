// A small assembler for WebAssembly: typed expressions in, the bytes of a module out. It knows the instructions that our
// kernels use and no others; an expression of the wrong type does not compile.

export type ValueType = "i32" | "f32" | "f64" | "v128";

/** Code that leaves one value on the stack. */
export interface Expression<T extends ValueType> {
  readonly type: T;
  readonly code: Code;
}
/** Code that leaves nothing. */
export interface Statement {
  readonly code: Code;
}
type Code = readonly number[];

export type I32 = Expression<"i32">;
export type F32 = Expression<"f32">;
export type F64 = Expression<"f64">;
export type V128 = Expression<"v128">;

/** A variable of a function: an expression that can be assigned to. */
export interface Local<T extends ValueType> extends Expression<T> {
  readonly index: number;
}

export interface FunctionBody {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly locals: readonly ValueType[];
  /** The last thing that the function does is to leave its result, an i32. */
  readonly code: Code;
}

const TYPE_CODES: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const FUNCTION_TYPE = 0x60;
const END = 0x0b;
const NO_RESULT = 0x40;
/** Sections of a module, in the order in which they have to stand. */
const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;

// ---- numbers as the format spells them ----

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

const float32Bytes = (value: number): number[] => [...new Uint8Array(Float32Array.of(value).buffer)];

// ---- expressions ----

function operation<T extends ValueType>(
  type: T,
  opcode: Code,
  ...operands: readonly Expression<ValueType>[]
): Expression<T> {
  return { type, code: [...operands.flatMap(({ code }) => code), ...opcode] };
}

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
/** Alignment is a hint only, and 0 promises nothing. */
const place = (offset: number): number[] => [0, ...unsigned(offset)];

const binary =
  <T extends ValueType>(type: T, opcode: Code) =>
  (a: Expression<T>, b: Expression<T>): Expression<T> =>
    operation(type, opcode, a, b);
const comparison =
  <T extends ValueType>(opcode: number) =>
  (a: Expression<T>, b: Expression<T>): I32 =>
    operation("i32", [opcode], a, b);
const unary =
  <T extends ValueType, From extends ValueType = T>(type: T, opcode: Code) =>
  (a: Expression<From>): Expression<T> =>
    operation(type, opcode, a);
const loaded =
  <T extends ValueType>(type: T, opcode: Code) =>
  (address: I32, offset = 0): Expression<T> =>
    operation(type, [...opcode, ...place(offset)], address);
const stored =
  <T extends ValueType>(opcode: Code) =>
  (address: I32, value: Expression<T>, offset = 0): Statement => ({
    code: [...address.code, ...value.code, ...opcode, ...place(offset)],
  });

export const i32 = {
  const: (value: number): I32 => operation("i32", [0x41, ...signed(value)]),
  add: binary("i32", [0x6a]),
  mul: binary("i32", [0x6c]),
  div: binary("i32", [0x6d]),
  rem: binary("i32", [0x6f]),
  and: binary("i32", [0x71]),
  lessThan: comparison<"i32">(0x48),
  store: stored<"i32">([0x36]),
};

export const f32 = {
  const: (value: number): F32 => operation("f32", [0x43, ...float32Bytes(value)]),
  add: binary("f32", [0x92]),
  mul: binary("f32", [0x94]),
  div: binary("f32", [0x95]),
  max: binary("f32", [0x97]),
  sqrt: unary("f32", [0x91]),
  greaterThan: comparison<"f32">(0x5e),
  fromI32: unary<"f32", "i32">("f32", [0xb2]),
  load: loaded("f32", [0x2a]),
  store: stored<"f32">([0x38]),
  /** `whenTrue` where the condition is not zero. */
  select: (condition: I32, whenTrue: F32, whenFalse: F32): F32 =>
    operation("f32", [0x1b], whenTrue, whenFalse, condition),
};

export const v128 = {
  zero: (): V128 => operation("v128", [...simd(0x0c), ...new Array<number>(16).fill(0)]),
  load: loaded("v128", simd(0x00)),
  or: binary("v128", simd(0x50)),
  /** One where any bit is set. */
  anyTrue: unary<"i32", "v128">("i32", simd(0x53)),
  /** The first eight bytes. */
  storeLow8: (address: I32, value: V128): Statement => ({
    code: [...address.code, ...value.code, ...simd(0x5b), ...place(0), 0],
  }),
};

/** Sixteen signed bytes. */
export const i8x16 = {
  /** Both in one, each lane cut to what a byte holds. */
  fromI16x8: binary("v128", simd(0x65)),
};

/** Eight signed 16-bit numbers. */
export const i16x8 = {
  /** Eight signed bytes from memory. */
  loadI8x8: loaded("v128", simd(0x01)),
  fromI32x4: binary("v128", simd(0x85)),
};

/** Four signed 32-bit numbers. */
export const i32x4 = {
  add: binary("v128", simd(0xae)),
  /** Products of 16-bit lanes, neighbours added. */
  dotI16x8: binary("v128", simd(0xba)),
  truncateF32x4: unary("v128", simd(0xf8)),
  /** Two lanes of each, by their places among the eight. */
  pick: (a: V128, b: V128, places: readonly [number, number, number, number]): V128 =>
    operation(
      "v128",
      [...simd(0x0d), ...places.flatMap((place) => [0, 1, 2, 3].map((byte) => 4 * place + byte))],
      a,
      b,
    ),
  lane: (vector: V128, lane: number): I32 => operation("i32", [...simd(0x1b), lane], vector),
};

/** Four floats. */
export const f32x4 = {
  splat: unary<"v128", "f32">("v128", simd(0x13)),
  nearest: unary("v128", simd(0x6a)),
  abs: unary("v128", simd(0xe0)),
  add: binary("v128", simd(0xe4)),
  sub: binary("v128", simd(0xe5)),
  mul: binary("v128", simd(0xe6)),
  max: binary("v128", simd(0xe9)),
  lane: (vector: V128, lane: number): F32 => operation("f32", [...simd(0x1f), lane], vector),
};

/** Two doubles. */
export const f64x2 = {
  splat: unary<"v128", "f64">("v128", simd(0x14)),
  sub: binary("v128", simd(0xf1)),
  mul: binary("v128", simd(0xf2)),
  lessOrEqual: binary("v128", simd(0x4b)),
  /** From the first two lanes of four. */
  fromLowI32x4: unary("v128", simd(0xfe)),
  fromLowF32x4: unary("v128", simd(0x5f)),
  /** One bit a lane, from the top bits. */
  bits: unary<"i32", "v128">("i32", simd(0xc4)),
};

// ---- statements ----

export const set = <T extends ValueType>(local: Local<T>, value: Expression<T>): Statement => ({
  code: [...value.code, 0x21, ...unsigned(local.index)],
});

const sequence = (statements: readonly Statement[]): number[] => statements.flatMap(({ code }) => code);

/** Runs the statements, then again as long as the condition holds after them. */
export const repeatWhile = (statements: readonly Statement[], condition: I32): Statement => ({
  code: [0x03, NO_RESULT, ...sequence(statements), ...condition.code, 0x0d, 0, END],
});

/** Runs the statements as long as the condition holds before them. */
export const whileTrue = (condition: I32, statements: readonly Statement[]): Statement =>
  when(condition, [repeatWhile(statements, condition)]);

export const when = (condition: I32, statements: readonly Statement[]): Statement => ({
  code: [...condition.code, 0x04, NO_RESULT, ...sequence(statements), END],
});

// ---- functions and modules ----

/** What a function is written with: its parameters first, then as many variables as it likes. */
export class FunctionWriter {
  private readonly parameters: ValueType[] = [];
  private readonly locals: ValueType[] = [];

  constructor(private readonly name: string) {}

  parameter<T extends ValueType>(type: T): Local<T> {
    if (this.locals.length > 0) throw new Error(`${this.name}: parameters stand before variables`);
    this.parameters.push(type);
    return this.variable(type, this.parameters.length - 1);
  }

  local<T extends ValueType>(type: T): Local<T> {
    this.locals.push(type);
    return this.variable(type, this.parameters.length + this.locals.length - 1);
  }

  private variable<T extends ValueType>(type: T, index: number): Local<T> {
    return { type, index, code: [0x20, ...unsigned(index)] };
  }

  finish(statements: readonly Statement[], result: I32): FunctionBody {
    const { name, parameters, locals } = this;
    return { name, parameters, locals, code: [...sequence(statements), ...result.code] };
  }
}

const vectorOf = (items: readonly (readonly number[])[]): number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];
const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];
const text = (value: string): number[] => sized([...new TextEncoder().encode(value)]);
const section = (id: number, items: readonly (readonly number[])[]): number[] => [
  id,
  ...sized(vectorOf(items)),
];

/** A module that exports these functions and works on the memory that it is given as `env.memory`. */
export function assembleModule(functions: readonly FunctionBody[]): Uint8Array<ArrayBuffer> {
  const typeOf = ({ parameters }: FunctionBody) => [
    FUNCTION_TYPE,
    ...vectorOf(parameters.map((type) => [TYPE_CODES[type]])),
    ...vectorOf([[TYPE_CODES.i32]]),
  ];
  const bodyOf = ({ locals, code }: FunctionBody) =>
    sized([...vectorOf(locals.map((type) => [1, TYPE_CODES[type]])), ...code, END]);
  const memory = [...text("env"), ...text("memory"), 0x02, 0x00, 0];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(SECTION.type, functions.map(typeOf)),
    ...section(SECTION.import, [memory]),
    ...section(
      SECTION.function,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(
      SECTION.export,
      functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]),
    ),
    ...section(SECTION.code, functions.map(bodyOf)),
  ]);
}
