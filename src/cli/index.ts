export { type Input, type Io, type Output, OutputClosed } from "./io.ts";
export { run } from "./run.ts";
