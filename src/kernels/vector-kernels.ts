// Memory with the kernels that work on it: SIMD where this machine has it, else their twins. Compiled when the first vector is
// searched.

import { assembleModule } from "./assembler.ts";
import { PAGE_BYTES } from "./limits.ts";
import { quantizeCode } from "./quantize-code.ts";
import { scanCode } from "./scan-code.ts";
import { twinKernels, type VectorKernels } from "./vector-twin.ts";

/** As much of WebAssembly as is used; null where an engine has none. */
export type Wasm = Pick<typeof WebAssembly, "Memory" | "Module" | "Instance" | "validate"> | null;

export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  readonly kernels: VectorKernels;
}

const compiled = new WeakMap<object, WebAssembly.Module | null>();

/** The module, compiled once; null where the engine has no SIMD. */
function moduleOf(wasm: NonNullable<Wasm>): WebAssembly.Module | null {
  let module = compiled.get(wasm);
  if (module === undefined) {
    const bytes = assembleModule([quantizeCode(), scanCode()]);
    module = wasm.validate(bytes) ? new wasm.Module(bytes) : null;
    compiled.set(wasm, module);
  }
  return module;
}

/** So many bytes and their kernels; null where there is no such memory. */
export function kernelMemory(
  bytes: number,
  wasm: Wasm = typeof WebAssembly === "undefined" ? null : WebAssembly,
): KernelMemory | null {
  const module = wasm === null ? null : moduleOf(wasm);
  try {
    if (wasm === null || module === null) {
      const buffer = new ArrayBuffer(Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES);
      return { buffer, kernels: twinKernels(buffer) };
    }
    const memory = new wasm.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
    // The exports are the two functions that were assembled.
    const kernels = new wasm.Instance(module, { env: { memory } }).exports as unknown as VectorKernels;
    return { buffer: memory.buffer as ArrayBuffer, kernels };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
