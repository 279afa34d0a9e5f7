/** True where at most `max` insertions, deletions and replacements of characters turn one text into the other. */
export function isWithinEdits(a: string, b: string, max: number): boolean {
  const left = [...a];
  const right = [...b];
  if (Math.abs(left.length - right.length) > max) return false;
  let previous = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const current = [i];
    let least = i;
    for (let j = 1; j <= right.length; j++) {
      const replaced = previous[j - 1] + (left[i - 1] === right[j - 1] ? 0 : 1);
      current[j] = Math.min(replaced, previous[j] + 1, current[j - 1] + 1);
      least = Math.min(least, current[j]);
    }
    if (least > max) return false;
    previous = current;
  }
  return previous[right.length] <= max;
}
