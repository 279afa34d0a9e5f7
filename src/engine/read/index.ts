// Reads: a checked plan and a view of a graph in, rows out.

export type { Deadline, ReadOptions } from "./context.ts";
export { executeRead } from "./execute.ts";
export { explained } from "./explain.ts";
export { plannedTypes } from "./plan-walk.ts";
export { plannedProperties } from "./planned-properties.ts";
export type { ReadRows } from "./result.ts";
export { Trace } from "./trace.ts";
export { warm } from "./warm.ts";
