// Reads: a checked plan and a view of a graph in, rows out.

export type { ReadOptions } from "./context.ts";
export { executeRead } from "./execute.ts";
export type { ReadRows } from "./result.ts";
export { warm } from "./warm.ts";
