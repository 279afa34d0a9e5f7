// Last step of checking: names across declarations.

import { SourceError, type Span } from "../lib/source.ts";
import type { Word } from "./ast.ts";
import type { Draft } from "./drafts.ts";
import { Problems } from "./errors.ts";

const DUPLICATE: Readonly<Record<Draft["kind"], string>> = {
  interface: "duplicate interface",
  node: "duplicate node type",
  edge: "duplicate edge type",
};

/** How edge names are compared where their case does not count; names are ASCII. */
export const foldEdgeName = (name: string): string => name.toLowerCase();

/** Refuses names given twice, endpoints that are no node types, and edges that differ by case only. Throws SchemaError. */
export function checkNames(drafts: readonly Draft[], source: string): void {
  const problems = new Problems("catalog", source);
  const report = (span: Span, message: string) => problems.add(new SourceError(message, span));
  const seen = { interface: new Set<string>(), node: new Set<string>(), edge: new Set<string>() };
  for (const { kind, ast } of drafts) {
    const { text } = ast.name;
    if (seen[kind].has(text)) report(ast.name.span, `${DUPLICATE[kind]}: ${text}`);
    seen[kind].add(text);
    if (ast.properties.length < 2) continue;
    const properties = new Set<string>();
    for (const { name } of ast.properties) {
      if (properties.has(name.text)) report(name.span, `duplicate property '${text}.${name.text}'`);
      properties.add(name.text);
    }
  }
  const folded = new Map<string, string>();
  for (const { kind, ast } of drafts) {
    if (kind !== "edge" || ast.kind !== "edge") continue;
    const edge = ast.name.text;
    const checkEndpoint = (word: Word, end: "source" | "target") => {
      if (seen.node.has(word.text)) return;
      const reason = `edge '${edge}' has an unresolved endpoint`;
      report(word.span, `edge ${edge} references unknown ${end} type: ${word.text}; ${reason}`);
    };
    checkEndpoint(ast.source, "source");
    checkEndpoint(ast.target, "target");
    const foldedName = foldEdgeName(edge);
    const other = folded.get(foldedName);
    // The same name twice has been told.
    if (other !== undefined && other !== edge) {
      report(ast.name.span, `edge name collision after case folding: ${other} and ${edge}`);
    }
    folded.set(foldedName, edge);
  }
  problems.throwFound();
}
