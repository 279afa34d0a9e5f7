/** States an invariant of ours; a failure is a bug, never bad input. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${invariant}`);
}

/** Marks the end of an exhaustive switch over a union. */
export function unreachable(value: never): never {
  throw new Error(`invariant broken: unexpected variant ${JSON.stringify(value)}`);
}
