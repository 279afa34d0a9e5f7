// Schema text -> resolved schema. The steps run over the whole text one after the other, and the first that finds anything
// wrong reports it: syntax; reserved names and types; interfaces; annotations; rules; names across declarations.

import { compareUtf8 } from "../lib/utf8.ts";
import { type Meaning, NO_MEANING, readHeader, readProperties } from "./annotations.ts";
import { markedRules, readRules } from "./constraints.ts";
import { type Draft, draftDeclarations } from "./drafts.ts";
import { checkEach, failIn } from "./errors.ts";
import { injectInterfaces } from "./interfaces.ts";
import { checkNames } from "./names.ts";
import { parseSchema } from "./parser.ts";
import type { ResolvedProperty, ResolvedSchema, ResolvedType } from "./resolved.ts";

/** Parses and checks a schema. Throws SchemaError. */
export function checkSchema(source: string): ResolvedSchema {
  const fail = failIn("parse", source);
  const drafts = injectInterfaces(draftDeclarations(parseSchema(source).declarations, fail), fail);
  const annotated = checkEach(drafts, (draft) => ({
    draft,
    header: draft.kind === "interface" ? NO_MEANING : readHeader(draft, fail),
    properties: readProperties(draft, fail),
  }));
  const types = checkEach(annotated, ({ draft, header, properties }) =>
    resolveType(draft, header, properties, readRules(draft, properties, fail)),
  );
  checkNames(drafts, source);
  return { source, types };
}

function resolveType(
  draft: Draft,
  { annotations, hint }: Meaning,
  properties: readonly ResolvedProperty[],
  { rules, keyAsDeclared }: ReturnType<typeof readRules>,
): ResolvedType {
  const entity = {
    name: draft.ast.name.text,
    properties: properties.toSorted((a, b) => compareUtf8(a.name, b.name)),
    annotations,
    hint,
  };
  switch (draft.kind) {
    case "interface":
      return { kind: "interface", ...entity, rules: markedRules(properties) };
    case "node": {
      const names = draft.ast.implements.map((word) => word.text);
      return {
        kind: "node",
        ...entity,
        rules,
        keyAsDeclared,
        implements: [...new Set(names)].sort(compareUtf8),
      };
    }
    case "edge": {
      const { source, target } = draft.ast;
      return {
        kind: "edge",
        ...entity,
        rules,
        source: source.text,
        target: target.text,
        cardinality: draft.cardinality,
      };
    }
  }
}
