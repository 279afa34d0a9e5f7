// Loops that pay as SIMD, assembled into WebAssembly when they are first needed, each with a twin in TypeScript.

export { CODE_MAX, LANES, ROW_FACTS_BYTES, ROWS_AT_ONCE } from "./limits.ts";
export { vectorKernels } from "./vector-kernels.ts";
export type { VectorKernels } from "./vector-twin.ts";
