// The Cedar engine: 4 MB of WebAssembly, some 80 ms to start, so it is loaded only when there is a policy to decide.
// The bytes are embedded as a file, because a compiled executable has no node_modules to find them in.

import { badRequest } from "../lib/errors.ts";

export type Cedar = typeof import("@cedar-policy/cedar-wasm/web");

let loading: Promise<Cedar> | null = null;

/** The one instance of this process. A failed start is not kept: the next caller tries again. */
export function loadCedar(): Promise<Cedar> {
  loading ??= startCedar().catch((thrown: unknown) => {
    loading = null;
    throw thrown;
  });
  return loading;
}

async function startCedar(): Promise<Cedar> {
  const [cedar, wasm] = await Promise.all([
    import("@cedar-policy/cedar-wasm/web"),
    import("../../node_modules/@cedar-policy/cedar-wasm/web/cedar_wasm_bg.wasm", { with: { type: "file" } }),
  ]);
  // The package types this file as its exports; imported as a file it is the path of its bytes.
  const { default: path } = wasm as unknown as { readonly default: string };
  cedar.initSync({ module: await Bun.file(path).bytes() });
  return cedar;
}

/** Throws check 22 with one line per error of Cedar's. */
export function refuseCedarErrors(errors: readonly string[]): void {
  if (errors.length > 0) throw badRequest(["policy validation failed:", ...errors].join("\n"));
}
