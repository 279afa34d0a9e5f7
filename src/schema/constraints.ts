// Fourth step of checking: marks behind properties and rules in bodies become one list of rules per type.

import type { Span } from "../lib/source.ts";
import { compareUtf8 } from "../lib/utf8.ts";
import type { NumberAst, RuleArgument, RuleAst } from "./ast.ts";
import type { Bound, PropertyType } from "./catalog.ts";
import type { Draft } from "./drafts.ts";
import type { Fail } from "./errors.ts";
import { INTEGER_DIGITS_MAX, RANGE_INTEGER_MAX, RANGE_INTEGER_MIN } from "./limits.ts";
import { checkPattern, PatternError } from "./pattern.ts";
import { type Mark, type ResolvedProperty, type Rule, ruleText } from "./resolved.ts";
import { describeType, isNumeric, isText, isVector } from "./types.ts";

export interface Rules {
  /** Each once, in order of text. */
  readonly rules: readonly Rule[];
  readonly keyAsDeclared: readonly string[] | null;
}

const NO_RULES: Rules = { rules: [], keyAsDeclared: null };

const ENDPOINTS: ReadonlySet<string> = new Set(["src", "dst"]);

/** Checks every rule of a node or edge against its effective properties. */
export function readRules(draft: Draft, properties: readonly ResolvedProperty[], fail: Fail): Rules {
  const isPlain = draft.properties.every(({ annotations }) => annotations.length === 0);
  if (draft.kind === "interface" || (isPlain && draft.ast.rules.length === 0)) return NO_RULES;
  const reader = new RuleReader(draft, properties, fail);
  for (const property of draft.properties) {
    for (const annotation of property.annotations) {
      const mark = annotation.name;
      if (mark === "key" || mark === "unique" || mark === "index") {
        reader.mark(mark, { name: property.name.text, span: annotation.span });
      }
    }
  }
  for (const rule of draft.ast.rules) reader.body(rule);
  return reader.result();
}

/** The rules that an interface's marks stand for, as its implementers will have them. */
export function markedRules(properties: readonly ResolvedProperty[]): Rule[] {
  return properties
    .flatMap((property) => property.marks.map((kind): Rule => ({ kind, properties: [property.name] })))
    .sort((a, b) => compareUtf8(ruleText(a), ruleText(b)));
}

interface Named {
  readonly name: string;
  readonly span: Span;
}

class RuleReader {
  private readonly types: ReadonlyMap<string, PropertyType>;
  private readonly rules = new Map<string, Rule>();
  private keyAsDeclared: readonly string[] | null = null;
  private readonly owner: string;

  constructor(
    private readonly draft: Draft,
    properties: readonly ResolvedProperty[],
    private readonly fail: Fail,
  ) {
    this.types = new Map(properties.map((property) => [property.name, property.type]));
    this.owner = draft.ast.name.text;
  }

  result(): Rules {
    const byText = [...this.rules].sort(([a], [b]) => compareUtf8(a, b));
    return { rules: byText.map(([, rule]) => rule), keyAsDeclared: this.keyAsDeclared };
  }

  body(rule: RuleAst): void {
    const onNodesOnly = rule.name === "key" || rule.name === "range" || rule.name === "check";
    if (this.draft.kind === "edge" && onNodesOnly) {
      this.fail(rule.span, `@${rule.name} constraint is not supported on edges (edge ${this.owner})`);
    }
    this.add(this.read(rule));
  }

  mark(kind: Mark, property: Named): void {
    this.add(this.tuple(kind, [property], property.span));
  }

  private add(rule: Rule): void {
    this.rules.set(ruleText(rule), rule);
  }

  private read(rule: RuleAst): Rule {
    switch (rule.name) {
      case "range":
        return this.range(rule);
      case "check":
        return this.check(rule);
      default: {
        const named = rule.arguments.map((argument) => this.propertyName(argument));
        return this.tuple(rule.name, named, rule.span);
      }
    }
  }

  /** `@key`, `@unique` or `@index` over one or more properties. */
  private tuple(kind: Mark, named: readonly Named[], span: Span): Rule {
    const names = [...new Set(named.map(({ name }) => name))];
    for (const { name, span: place } of named) this.checkMember(kind, name, place);
    if (kind === "key") {
      if (this.keyAsDeclared !== null) {
        this.fail(
          span,
          `node type ${this.owner} has multiple @key constraints; only one is supported (a composite key is one body rule, as in @key(a, b))`,
        );
      }
      this.keyAsDeclared = names;
    }
    return { kind, properties: [...names].sort(compareUtf8) };
  }

  private checkMember(kind: Mark, name: string, span: Span): void {
    if (this.draft.kind === "edge" && ENDPOINTS.has(name)) return;
    const type = this.typeOf(kind, name, span);
    const place = `${this.owner}.${name}`;
    if (kind === "key" && type.nullable) this.fail(span, `@key property ${place} cannot be nullable`);
    if (type.list) this.fail(span, `@${kind} is not supported on list property ${place}`);
    if (kind !== "index" && isVector(type)) {
      this.fail(span, `@${kind} is not supported on vector property ${place}`);
    }
    if (type.scalar === "Blob") this.fail(span, `@${kind} is not supported on blob property ${place}`);
  }

  private typeOf(rule: RuleAst["name"], name: string, span: Span): PropertyType {
    return (
      this.types.get(name) ??
      this.fail(span, `@${rule} on ${this.owner} references unknown property '${name}'`)
    );
  }

  private propertyName(argument: RuleArgument): Named {
    if (argument.kind !== "name") {
      return this.fail(argument.span, "expected property name in constraint");
    }
    return { name: argument.text, span: argument.span };
  }

  private range(rule: RuleAst): Rule {
    const [first, bounds, ...rest] = rule.arguments;
    if (bounds === undefined || rest.length > 0) {
      return this.fail(rule.span, "@range requires property name and bounds, as in @range(age, 0..150)");
    }
    const { name, span } = this.propertyName(first);
    if (bounds.kind !== "bounds") return this.fail(bounds.span, "expected range bounds (min..max)");
    const type = this.typeOf("range", name, span);
    const place = `${this.owner}.${name}`;
    if (type.list) {
      this.fail(
        span,
        `@range is not supported on list property ${place}: @range on ${place} requires a numeric type, got ${describeType(type)}`,
      );
    }
    if (!isNumeric(type)) {
      this.fail(span, `@range on ${place} requires a numeric type, got ${describeType(type)}`);
    }
    const min = bounds.min === null ? null : this.bound(bounds.min);
    const max = bounds.max === null ? null : this.bound(bounds.max);
    if (min !== null && max !== null && min.value > max.value) {
      this.fail(bounds.span, `@range on ${place} has min ${bounds.min?.text} above max ${bounds.max?.text}`);
    }
    return { kind: "range", property: name, min, max };
  }

  private bound(number: NumberAst): Bound {
    if (number.kind === "float") {
      const value = Number(number.text);
      if (!Number.isFinite(value)) this.fail(number.span, "invalid float in @range: beyond a 64-bit float");
      return { kind: "float", value: value === 0 ? 0 : value };
    }
    const digits = number.text.replace(/^-?0*/, "");
    const value = digits.length > INTEGER_DIGITS_MAX ? null : BigInt(number.text);
    if (value === null || value < RANGE_INTEGER_MIN || value > RANGE_INTEGER_MAX) {
      return this.fail(number.span, "invalid integer in @range: beyond 64 bits");
    }
    return { kind: "int", value };
  }

  private check(rule: RuleAst): Rule {
    const [first, pattern, ...rest] = rule.arguments;
    if (pattern === undefined || rest.length > 0) {
      return this.fail(
        rule.span,
        '@check requires property name and pattern, as in @check(code, "^[A-Z]+$")',
      );
    }
    const { name, span } = this.propertyName(first);
    if (pattern.kind !== "string") {
      return this.fail(pattern.span, "expected string argument in constraint");
    }
    const type = this.typeOf("check", name, span);
    const place = `${this.owner}.${name}`;
    if (type.list) {
      this.fail(
        span,
        `@check is not supported on list property ${place}: @check on ${place} requires String type, got ${describeType(type)}`,
      );
    }
    if (!isText(type)) this.fail(span, `@check on ${place} requires String type, got ${describeType(type)}`);
    try {
      checkPattern(pattern.text);
    } catch (thrown) {
      if (!(thrown instanceof PatternError)) throw thrown;
      this.fail(pattern.span, `@check on ${place} has invalid regex: ${thrown.message}`);
    }
    return { kind: "check", property: name, pattern: pattern.text };
  }
}
