// Loops that pay as SIMD, assembled into WebAssembly when they are first needed, each with a twin in TypeScript.

export { CODE_MAX, FACTS_PER_ROW, ROW_FACTS_BYTES, ROWS_AT_ONCE, STEP_COMPONENTS } from "./limits.ts";
export { type KernelMemory, kernelMemory, type Wasm } from "./vector-kernels.ts";
export { factOf, type VectorKernels } from "./vector-twin.ts";
