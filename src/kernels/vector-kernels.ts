// The kernels for a memory: SIMD where this machine has it, else their twins. Compiled when the first vector is searched.

import { assembleModule } from "./assembler.ts";
import { quantizeCode } from "./quantize-code.ts";
import { scanCode } from "./scan-code.ts";
import { twinKernels, type VectorKernels } from "./vector-twin.ts";

let compiled: WebAssembly.Module | null | undefined;

/** The module, compiled once; null where the engine has no SIMD. */
function compiledModule(): WebAssembly.Module | null {
  if (compiled === undefined) {
    const bytes = assembleModule([quantizeCode(), scanCode()]);
    compiled = WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
  }
  return compiled;
}

export function vectorKernels(memory: WebAssembly.Memory): VectorKernels {
  const module = compiledModule();
  if (module === null) return twinKernels(memory.buffer as ArrayBuffer);
  // The exports are the two functions that were assembled.
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as VectorKernels;
}
