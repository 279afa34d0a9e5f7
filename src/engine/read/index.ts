// Reads: a checked plan and a view of a graph in, rows out.

export type { Deadline, ReadOptions } from "./context.ts";
export { executeRead } from "./execute.ts";
export { explained } from "./explain.ts";
export type { ReadRows } from "./result.ts";
export { Trace } from "./trace.ts";
export { warm } from "./warm.ts";
