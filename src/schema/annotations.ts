// Third step of checking: which annotation may stand where, and what it says.

import type { AnnotationAst } from "./ast.ts";
import type { Annotation, Embed } from "./catalog.ts";
import type { Draft, DraftProperty } from "./drafts.ts";
import type { Fail } from "./errors.ts";
import type { Mark, RenameHint, ResolvedProperty } from "./resolved.ts";
import { isText, isVector } from "./types.ts";

/** What the annotations of a header or a property say. */
export interface Meaning {
  readonly annotations: readonly Annotation[];
  readonly embed: Embed | null;
  readonly marks: readonly Mark[];
  readonly hint: RenameHint | null;
}

/** What no annotations say: most declarations have none, and a large schema has a hundred thousand of them. */
export const NO_MEANING: Meaning = { annotations: [], embed: null, marks: [], hint: null };

const MARKS: ReadonlySet<string> = new Set<Mark>(["key", "unique", "index"]);
const isMark = (name: string): name is Mark => MARKS.has(name);

const RULE_SHAPES: Readonly<Record<string, string>> = {
  range: "@range requires property name and bounds, as in @range(age, 0..150)",
  check: '@check requires property name and pattern, as in @check(code, "^[A-Z]+$")',
};

/** Reads the annotations of a node or edge header. */
export function readHeader(draft: Exclude<Draft, { kind: "interface" }>, fail: Fail): Meaning {
  const { kind, ast } = draft;
  if (ast.annotations.length === 0) return NO_MEANING;
  const target = `${kind} ${ast.name.text}`;
  for (const { name, span } of ast.annotations) {
    if (isMark(name) || name === "embed") {
      if (kind === "edge") fail(span, `@${name} is not supported on edges (${target})`);
      fail(span, `@${name} is only supported on node properties or as body constraint (${target})`);
    }
    refuseBareRule(name, span, draft, fail);
  }
  return {
    annotations: readMetadata(ast.annotations, target, fail),
    embed: null,
    marks: [],
    hint: readHint(ast.annotations, target, true, fail),
  };
}

/**
 * Reads the annotations of every property. Where an interface's properties are not injected anywhere, only hints and
 * embed sources of them are checked.
 */
export function readProperties(draft: Draft, fail: Fail): ResolvedProperty[] {
  let byName: ReadonlyMap<string, DraftProperty> | null = null;
  const find = (name: string): DraftProperty | undefined => {
    byName ??= new Map(draft.properties.map((property) => [property.name.text, property]));
    return byName.get(name);
  };
  return draft.properties.map((property) => {
    const { name, type, declared, interfaces, annotations } = property;
    const meaning = annotations.length === 0 ? NO_MEANING : readProperty(property, draft, find, fail);
    return { name: name.text, type, declared, interfaces, ...meaning };
  });
}

function readProperty(
  property: DraftProperty,
  draft: Draft,
  find: (name: string) => DraftProperty | undefined,
  fail: Fail,
): Meaning {
  const { annotations, declared } = property;
  const owner = draft.ast.name.text;
  const place = `${owner}.${property.name.text}`;
  const target = `property ${place}`;
  const hint = readHint(annotations, target, declared, fail);
  if (draft.kind !== "interface") checkPlacement(property, draft, place, fail);
  return {
    annotations: draft.kind === "interface" ? keep(annotations) : readMetadata(annotations, target, fail),
    embed: readEmbed(property, find, owner, fail),
    marks: annotations.map((annotation) => annotation.name).filter(isMark),
    hint,
  };
}

function checkPlacement(
  property: DraftProperty,
  draft: Exclude<Draft, { kind: "interface" }>,
  place: string,
  fail: Fail,
): void {
  const seen = new Set<string>();
  for (const { name, span } of property.annotations) {
    if (draft.kind === "edge" && (name === "key" || name === "embed")) {
      fail(span, `@${name} is not supported on edge properties (edge ${place})`);
    }
    refuseBareRule(name, span, draft, fail);
    if (name === "instruction") {
      fail(span, `@instruction is only supported on node and edge types (property ${place})`);
    }
    if (isMark(name) || name === "embed") {
      if (seen.has(name)) fail(span, `property ${place} declares @${name} multiple times`);
      seen.add(name);
    }
    if (name === "embed") {
      if (property.type.list) fail(span, `@embed is not supported on list property ${place}`);
      if (!isVector(property.type)) fail(span, `@embed is only supported on vector properties (${place})`);
    }
  }
}

/** `@range` and `@check` without arguments would otherwise pass for annotations without meaning. */
function refuseBareRule(name: string, span: AnnotationAst["span"], draft: Draft, fail: Fail): void {
  if (!Object.hasOwn(RULE_SHAPES, name)) return;
  if (draft.kind === "edge") {
    fail(span, `@${name} constraint is not supported on edges (edge ${draft.ast.name.text})`);
  }
  fail(span, RULE_SHAPES[name]);
}

const isBlank = (value: string | null): boolean => value === null || value.trim() === "";

/** Annotations that are kept; descriptions and instructions carry exactly one text that is not blank. */
function readMetadata(annotations: readonly AnnotationAst[], target: string, fail: Fail): Annotation[] {
  for (const name of ["description", "instruction"]) {
    const [first, second] = annotations.filter((annotation) => annotation.name === name);
    const blank = [first, second].find((annotation) => annotation !== undefined && isBlank(annotation.value));
    if (blank !== undefined) fail(blank.span, `@${name} on ${target} requires a non-empty value`);
    if (second !== undefined) fail(second.span, `${target} declares @${name} multiple times`);
  }
  return keep(annotations);
}

function keep(annotations: readonly AnnotationAst[]): Annotation[] {
  return annotations
    .filter(({ name }) => !isMark(name) && name !== "embed" && name !== "rename_from")
    .map(({ name, value, kwargs }) => {
      if (kwargs.length === 0) return { name, value };
      return {
        name,
        value,
        kwargs: Object.fromEntries(kwargs.map((argument) => [argument.name.text, argument.value])),
      };
    });
}

function readHint(
  annotations: readonly AnnotationAst[],
  target: string,
  own: boolean,
  fail: Fail,
): RenameHint | null {
  const [hint, second] = annotations.filter((annotation) => annotation.name === "rename_from");
  if (hint === undefined) return null;
  if (second !== undefined) fail(second.span, `${target} declares @rename_from multiple times`);
  if (hint.kwargs.length > 0) {
    fail(hint.span, `@rename_from on ${target} does not accept keyword arguments`);
  }
  if (hint.value === null || isBlank(hint.value)) {
    return fail(
      hint.span,
      `@rename_from on ${target} requires exactly one non-empty positional value: the former name`,
    );
  }
  return { from: hint.value, inherited: !own, span: hint.span };
}

function readEmbed(
  property: DraftProperty,
  find: (name: string) => DraftProperty | undefined,
  owner: string,
  fail: Fail,
): Embed | null {
  const annotation = property.annotations.find(({ name }) => name === "embed");
  if (annotation === undefined) return null;
  const place = `${owner}.${property.name.text}`;
  const { value: source, kwargs, span } = annotation;
  if (source === null) return fail(span, `@embed on ${place} requires a source property name`);
  if (isBlank(source)) return fail(span, `@embed on ${place} requires a non-empty source property name`);
  const unknown = kwargs.find((argument) => argument.name.text !== "model");
  if (unknown !== undefined) {
    fail(
      unknown.name.span,
      `@embed on ${place} has unknown argument '${unknown.name.text}=' (only 'model=' is known)`,
    );
  }
  const sourceProperty = find(source);
  if (sourceProperty === undefined) {
    return fail(span, `@embed on ${place} references unknown source property ${source}`);
  }
  if (!isText(sourceProperty.type)) fail(span, `@embed source property ${owner}.${source} must be String`);
  const model = kwargs.find((argument) => argument.name.text === "model");
  return { source, model: model?.value ?? null };
}
