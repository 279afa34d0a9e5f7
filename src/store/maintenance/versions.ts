// Sets of versions as spans: inclusive, ascending, and never touching each other.

export type Span = readonly [first: number, last: number];

/** The same versions with overlapping and adjacent spans joined. */
export function joined(spans: readonly Span[]): Span[] {
  const sorted = spans.filter(([first, last]) => first <= last).sort(([a], [b]) => a - b);
  const result: Span[] = [];
  for (const [first, last] of sorted) {
    const before = result.at(-1);
    if (before !== undefined && first <= before[1] + 1)
      result[result.length - 1] = [before[0], Math.max(before[1], last)];
    else result.push([first, last]);
  }
  return result;
}

/** Versions in both. */
export function intersection(a: readonly Span[], b: readonly Span[]): Span[] {
  return joined(
    a.flatMap(([first, last]) =>
      b.map(([otherFirst, otherLast]): Span => [Math.max(first, otherFirst), Math.min(last, otherLast)]),
    ),
  );
}

/** Versions of `a` that are not in `b`. */
export function difference(a: readonly Span[], b: readonly Span[]): Span[] {
  let left = joined(a);
  for (const [first, last] of b) {
    left = left.flatMap(([from, to]): Span[] => [
      [from, Math.min(to, first - 1)],
      [Math.max(from, last + 1), to],
    ]);
    left = joined(left);
  }
  return left;
}

export const countOf = (spans: readonly Span[]): number =>
  spans.reduce((sum, [first, last]) => sum + last - first + 1, 0);
