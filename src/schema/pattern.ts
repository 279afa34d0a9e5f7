// `@check` patterns: an unanchored search that takes time linear in the value, whatever pattern and value are. The
// pattern becomes a nondeterministic automaton; its sets of states are simulated and remembered as they are met.

import { unreachable } from "../lib/assert.ts";
import { PATTERN_MEMORY_MAX, PATTERN_STATES_MAX } from "./limits.ts";
import { type CharacterSet, wordCharacters } from "./pattern-sets.ts";
import { type Anchor, PatternError, type PatternNode, parsePattern } from "./pattern-syntax.ts";

export { PatternError } from "./pattern-syntax.ts";

export interface Pattern {
  /** Whether some part of the text matches. */
  matches(text: string): boolean;
}

/** Throws PatternError for a pattern that is malformed, needs backtracking or is too large. */
export function compilePattern(source: string): Pattern {
  return new Automaton(buildProgram(checkedTree(source)));
}

/** As compilePattern, without building anything: what admission of a schema asks. */
export function checkPattern(source: string): void {
  checkedTree(source);
}

function checkedTree(source: string): PatternNode {
  const tree = parsePattern(source);
  if (stateCount(tree) > PATTERN_STATES_MAX) {
    throw new PatternError(`the pattern is too large: it needs more than ${PATTERN_STATES_MAX} states`);
  }
  return tree;
}

/** States that a tree becomes; counted before they are made. */
function stateCount(node: PatternNode): number {
  switch (node.kind) {
    case "set":
    case "anchor":
      return 1;
    case "sequence":
      return node.parts.reduce((sum, part) => sum + stateCount(part), 1);
    case "choice":
      return node.options.reduce((sum, option) => sum + stateCount(option) + 1, 0);
    case "repeat":
      return (stateCount(node.part) + 1) * Math.max(1, node.max ?? node.min + 1);
  }
}

type State =
  | { readonly kind: "set"; readonly set: CharacterSet; readonly next: number }
  | { readonly kind: "anchor"; readonly anchor: Anchor; readonly next: number }
  | { readonly kind: "fork"; readonly next: readonly number[] }
  | { readonly kind: "match" };

interface Program {
  readonly states: readonly State[];
  readonly start: number;
}

function buildProgram(tree: PatternNode): Program {
  const states: State[] = [{ kind: "match" }];
  const add = (state: State) => states.push(state) - 1;
  /** Adds the states of a node that go on to `next`; answers the first of them. */
  const build = (node: PatternNode, next: number): number => {
    switch (node.kind) {
      case "set":
        return add({ kind: "set", set: node.set, next });
      case "anchor":
        return add({ kind: "anchor", anchor: node.anchor, next });
      case "sequence":
        return node.parts.reduceRight((after, part) => build(part, after), next);
      case "choice":
        return add({ kind: "fork", next: node.options.map((option) => build(option, next)) });
      case "repeat":
        return buildRepeat(node, next);
    }
  };
  const buildRepeat = ({ part, min, max }: Extract<PatternNode, { kind: "repeat" }>, next: number) => {
    let first = next;
    if (max === null) {
      const loop = add({ kind: "fork", next: [] });
      states[loop] = { kind: "fork", next: [build(part, loop), next] };
      first = loop;
    } else {
      for (let i = min; i < max; i++) first = add({ kind: "fork", next: [build(part, first), next] });
    }
    for (let i = 0; i < min; i++) first = build(part, first);
    return first;
  };
  const start = build(tree, 0);
  return { states, start };
}

// What stands on one side of a position, as far as anchors ask.
const NOTHING = 0;
const NEWLINE = 1;
const WORD = 2;
const OTHER = 3;
type Neighbour = typeof NOTHING | typeof NEWLINE | typeof WORD | typeof OTHER;

function holds(anchor: Anchor, before: Neighbour, after: Neighbour): boolean {
  switch (anchor) {
    case "textStart":
      return before === NOTHING;
    case "textEnd":
      return after === NOTHING;
    case "lineStart":
      return before === NOTHING || before === NEWLINE;
    case "lineEnd":
      return after === NOTHING || after === NEWLINE;
    case "wordBoundary":
      return (before === WORD) !== (after === WORD);
    case "notWordBoundary":
      return (before === WORD) === (after === WORD);
    default:
      return unreachable(anchor);
  }
}

/** A set of program states between two characters, and where it leads by what comes next. */
interface Situation {
  readonly states: readonly number[];
  readonly before: Neighbour;
  /** Null where the pattern has matched. */
  readonly after: Map<number, Situation | null>;
}

/** The code that stands for the end of the text. */
const END = -1;
const LF = 0x0a;

class Automaton implements Pattern {
  private readonly situations = new Map<string, Situation>();
  private readonly asksForWords: boolean;
  /** Remembered transitions over all situations. */
  private remembered = 0;

  constructor(private readonly program: Program) {
    this.asksForWords = program.states.some(
      (state) => state.kind === "anchor" && state.anchor.toLowerCase().endsWith("wordboundary"),
    );
  }

  matches(text: string): boolean {
    let situation = this.situation([this.program.start], NOTHING);
    for (let at = 0; at < text.length; ) {
      const code = text.codePointAt(at) ?? END;
      at += code > 0xffff ? 2 : 1;
      const next = this.step(situation, code);
      if (next === null) return true;
      situation = next;
    }
    return this.step(situation, END) === null;
  }

  private situation(states: readonly number[], before: Neighbour): Situation {
    const key = `${before}:${states.join()}`;
    const known = this.situations.get(key);
    if (known !== undefined) return known;
    const made: Situation = { states, before, after: new Map() };
    this.situations.set(key, made);
    return made;
  }

  private step(situation: Situation, code: number): Situation | null {
    const known = situation.after.get(code);
    if (known !== undefined) return known;
    if (++this.remembered > PATTERN_MEMORY_MAX) {
      this.situations.clear();
      this.remembered = 1;
      situation.after.clear();
    }
    const next = this.follow(situation, code);
    situation.after.set(code, next);
    return next;
  }

  private follow(situation: Situation, code: number): Situation | null {
    const after = this.neighbour(code);
    const { states, start } = this.program;
    const seen = new Set<number>();
    // A search may begin anywhere, so the start is always among the states that are next.
    const reached = new Set<number>([start]);
    const waiting = [...situation.states];
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      if (seen.has(index)) continue;
      seen.add(index);
      const state = states[index];
      switch (state.kind) {
        case "match":
          return null;
        case "fork":
          waiting.push(...state.next);
          break;
        case "anchor":
          if (holds(state.anchor, situation.before, after)) waiting.push(state.next);
          break;
        case "set":
          if (code !== END && state.set(code)) reached.add(state.next);
      }
    }
    return this.situation(
      [...reached].sort((a, b) => a - b),
      after,
    );
  }

  private neighbour(code: number): Neighbour {
    if (code === END) return NOTHING;
    if (code === LF) return NEWLINE;
    return this.asksForWords && wordCharacters(code) ? WORD : OTHER;
  }
}
