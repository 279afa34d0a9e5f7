// Last step of checking: names across declarations.

import type { Word } from "./ast.ts";
import type { Draft } from "./drafts.ts";
import type { Fail } from "./errors.ts";

const DUPLICATE: Readonly<Record<Draft["kind"], string>> = {
  interface: "duplicate interface",
  node: "duplicate node type",
  edge: "duplicate edge type",
};

/** How edge names are compared where their case does not count; names are ASCII. */
export const foldEdgeName = (name: string): string => name.toLowerCase();

/** Refuses names given twice, endpoints that are no node types, and edges that differ by case only. */
export function checkNames(drafts: readonly Draft[], fail: Fail): void {
  const seen = new Set<string>();
  for (const { kind, ast } of drafts) {
    const key = `${kind}:${ast.name.text}`;
    if (seen.has(key)) fail(ast.name.span, `${DUPLICATE[kind]}: ${ast.name.text}`);
    seen.add(key);
    const properties = new Set<string>();
    for (const { name } of ast.properties) {
      if (properties.has(name.text)) fail(name.span, `duplicate property '${ast.name.text}.${name.text}'`);
      properties.add(name.text);
    }
  }
  const folded = new Map<string, string>();
  for (const { kind, ast } of drafts) {
    if (kind !== "edge" || ast.kind !== "edge") continue;
    const edge = ast.name.text;
    const checkEndpoint = (word: Word, end: "source" | "target") => {
      if (seen.has(`node:${word.text}`)) return;
      const reason = `edge '${edge}' has an unresolved endpoint`;
      fail(word.span, `edge ${edge} references unknown ${end} type: ${word.text}; ${reason}`);
    };
    checkEndpoint(ast.source, "source");
    checkEndpoint(ast.target, "target");
    const other = folded.get(foldEdgeName(edge));
    if (other !== undefined) {
      fail(ast.name.span, `edge name collision after case folding: ${other} and ${edge}`);
    }
    folded.set(foldEdgeName(edge), edge);
  }
}
