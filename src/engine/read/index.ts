// Reads: a checked plan and a view of a graph in, rows out. Mutations find what they change by the same scans.

export { idOfKey } from "./access.ts";
export { valueTest } from "./compare.ts";
export { type Comparison, comparison, isUnique } from "./comparison.ts";
export type { Deadline, ReadOptions } from "./context.ts";
export { executeRead } from "./execute.ts";
export { explained } from "./explain.ts";
export { plannedTypes } from "./plan-walk.ts";
export { plannedProperties } from "./planned-properties.ts";
export type { ReadRows } from "./result.ts";
export { type Pace, scanTable } from "./scan.ts";
export { Trace } from "./trace.ts";
export { warm } from "./warm.ts";
