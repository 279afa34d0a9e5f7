/**
 * How many insertions, deletions and replacements of characters turn one text into the other (Levenshtein), or null where
 * that takes more than `max`.
 */
export function editsBetween(a: readonly string[], b: readonly string[], max: number): number | null {
  if (Math.abs(a.length - b.length) > max) return null;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(replaced, previous[j] + 1, current[j - 1] + 1);
      if (current[j] < least) least = current[j];
    }
    if (least > max) return null;
    previous = current;
  }
  return previous[b.length] <= max ? previous[b.length] : null;
}
