// Second step of checking: properties of implemented interfaces are injected into the nodes that do not declare them.

import { compareUtf8 } from "../lib/utf8.ts";
import type { AnnotationAst } from "./ast.ts";
import type { Draft, DraftProperty } from "./drafts.ts";
import { checkEach, type Fail } from "./errors.ts";
import { EFFECTIVE_PROPERTIES_MAX } from "./limits.ts";
import { describeType, sameType } from "./types.ts";

type NodeDraft = Extract<Draft, { kind: "node" }>;
type InterfaceDraft = Extract<Draft, { kind: "interface" }>;

/** Gives every node its effective properties: its own, in order, then those of its interfaces. */
export function injectInterfaces(drafts: readonly Draft[], fail: Fail): Draft[] {
  const interfaces = new Map<string, InterfaceDraft>();
  for (const draft of drafts) {
    if (draft.kind === "interface" && !interfaces.has(draft.ast.name.text)) {
      interfaces.set(draft.ast.name.text, draft);
    }
  }
  let total = 0;
  return checkEach(drafts, (draft) => {
    const effective =
      draft.kind === "node" && draft.ast.implements.length > 0 ? implement(draft, interfaces, fail) : draft;
    total += effective.properties.length;
    if (total > EFFECTIVE_PROPERTIES_MAX) {
      fail(
        draft.ast.name.span,
        `more than ${EFFECTIVE_PROPERTIES_MAX} properties, those of interfaces included`,
      );
    }
    return effective;
  });
}

interface Contribution {
  readonly from: string;
  readonly property: DraftProperty;
}

function implement(node: NodeDraft, interfaces: ReadonlyMap<string, InterfaceDraft>, fail: Fail): NodeDraft {
  const typeName = node.ast.name.text;
  const contributions = new Map<string, Contribution[]>();
  const own = new Map(node.properties.map((property) => [property.name.text, property]));
  const seen = new Set<string>();
  for (const word of node.ast.implements) {
    const implemented = interfaces.get(word.text);
    if (implemented === undefined) {
      return fail(word.span, `node ${typeName} implements unknown interface '${word.text}'`);
    }
    if (seen.has(word.text)) continue;
    seen.add(word.text);
    for (const property of implemented.properties) {
      const name = property.name.text;
      const others = contributions.get(name) ?? [];
      contributions.set(name, others);
      const holder = own.get(name) ?? others[0]?.property;
      if (holder !== undefined && !sameType(holder.type, property.type)) {
        const place = own.has(name) ? holder.name.span : word.span;
        fail(
          place,
          `node ${typeName} property '${name}' has type ${describeType(holder.type)} but interface ${word.text} declares it as ${describeType(property.type)}`,
        );
      }
      others.push({ from: word.text, property });
    }
  }

  const sortedNames = (name: string) =>
    (contributions.get(name) ?? []).map((contribution) => contribution.from).sort(compareUtf8);
  const declared = node.properties.map((property) => ({
    ...property,
    interfaces: sortedNames(property.name.text),
  }));
  const injected: DraftProperty[] = [];
  for (const [name, contributors] of contributions) {
    if (own.has(name)) continue;
    const [first, ...others] = contributors;
    for (const other of others) {
      if (meaningOf(other.property.annotations) === meaningOf(first.property.annotations)) continue;
      const word = node.ast.implements.find(({ text }) => text === other.from);
      fail(
        word?.span ?? node.ast.name.span,
        `node ${typeName} inherits property '${name}' with incompatible property semantics from interfaces ${first.from} and ${other.from}`,
      );
    }
    injected.push({ ...first.property, declared: false, interfaces: sortedNames(name) });
  }
  return { ...node, properties: [...declared, ...injected] };
}

/** What annotations say, whatever their order; hints about former names are no part of it. */
function meaningOf(annotations: readonly AnnotationAst[]): string {
  const meanings = annotations
    .filter((annotation) => annotation.name !== "rename_from")
    .map(({ name, value, kwargs }) => {
      const named = kwargs.map((argument) => [argument.name.text, argument.value]);
      return JSON.stringify([name, value, named.sort(([a], [b]) => compareUtf8(a, b))]);
    });
  return meanings.sort(compareUtf8).join("\n");
}
