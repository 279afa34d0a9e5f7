export class PatternError extends Error {}
export interface Pattern {
  matches(text: string): boolean;
}
export function compilePattern(source: string): Pattern {
  void source;
  return { matches: () => true };
}
