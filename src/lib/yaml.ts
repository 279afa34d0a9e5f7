// YAML text as a small tree that keeps what strict reading needs: positions, how a scalar was written, and keys that
// stand twice. No scalar is given a type here: whether `5` is a number or a name is for the reader to say.

import type { Alias, Document, Node, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";

/** 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlEntry {
  readonly key: string;
  readonly keyAt: Position;
  readonly value: YamlNode;
}

export type YamlNode =
  /** An empty value, `~` or a plain `null`. */
  | { readonly kind: "null"; readonly at: Position }
  | { readonly kind: "scalar"; readonly text: string; readonly plain: boolean; readonly at: Position }
  | { readonly kind: "list"; readonly items: readonly YamlNode[]; readonly at: Position }
  | { readonly kind: "map"; readonly entries: readonly YamlEntry[]; readonly at: Position };

export type YamlMap = Extract<YamlNode, { kind: "map" }>;

/** One repetition of a key; `path` joins the keys above with dots and writes a list item as `[]`. */
export interface DuplicateKey {
  readonly path: string;
  readonly key: string;
  readonly at: Position;
}

export interface YamlFault {
  /** Ends with ` at line L column C`. */
  readonly message: string;
  readonly at: Position;
}

export interface YamlDocument {
  /** What could be read, also where there is a fault; an empty text is a null. */
  readonly root: YamlNode;
  readonly duplicates: readonly DuplicateKey[];
  /** The first thing that is not YAML (or not the part of it that files here may use); null where all is well. */
  readonly fault: YamlFault | null;
}

/** Nodes after aliases are followed: a small file must not unfold into an unbounded one. */
const NODES_MAX = 200_000;
const PLAIN_NULL = /^(?:|~|null|Null|NULL)$/;
const STRING_TAG = "tag:yaml.org,2002:str";

export const atPosition = (message: string, at: Position): string =>
  `${message} at line ${at.line} column ${at.column}`;

/** Parses one YAML document. Never throws: what is wrong stands in `fault`. */
export async function parseYaml(text: string): Promise<YamlDocument> {
  const { parseDocument, LineCounter, isAlias, isMap, isSeq, isScalar } = await import("yaml");
  const lines = new LineCounter();
  const document: Document = parseDocument(text, {
    schema: "failsafe",
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  let fault: YamlFault | null = null;
  const setFault = (message: string, at: Position): void => {
    fault ??= { message: atPosition(message, at), at };
  };
  const syntax = document.errors[0];
  if (syntax !== undefined) {
    setFault(
      syntax.code === "MULTIPLE_DOCS" ? "expected a single YAML document" : syntax.message,
      position(syntax.pos[0]),
    );
  }

  let nodes = 0;
  const following = new Set<Node>();
  const targets = new Map<Alias, Node>();
  const startOf = (node: Node | null | undefined): Position => position(node?.range?.[0] ?? 0);

  const keyText = (key: unknown): string | null =>
    isScalar(key) && typeof key.value === "string" ? key.value : null;

  const convert = (node: unknown, whereEmpty: Position): YamlNode => {
    if (node === null || node === undefined) return { kind: "null", at: whereEmpty };
    const at = startOf(node as Node);
    if (++nodes > NODES_MAX) {
      setFault(`more than ${NODES_MAX} values after aliases are followed`, at);
      return { kind: "null", at };
    }
    if (isAlias(node)) return convertAlias(node, at);
    const tag = (node as Scalar).tag;
    if (tag !== undefined && tag !== STRING_TAG && isScalar(node)) setFault(`unsupported tag '${tag}'`, at);
    if (isMap(node)) return convertMap(node, at);
    if (isSeq(node)) {
      return { kind: "list", items: (node as YAMLSeq).items.map((item) => convert(item, at)), at };
    }
    const scalar = node as Scalar;
    const value = String(scalar.value ?? "");
    const plain = scalar.type === "PLAIN" && tag !== STRING_TAG;
    if (plain && PLAIN_NULL.test(value)) return { kind: "null", at };
    return { kind: "scalar", text: value, plain, at };
  };

  const convertAlias = (alias: Alias, at: Position): YamlNode => {
    // Finding an anchor walks the document, and an alias may be met once for every way that leads to it.
    const target = targets.get(alias) ?? alias.resolve(document);
    if (target === undefined) {
      setFault(`unresolved alias '${alias.source}'`, at);
      return { kind: "null", at };
    }
    if (following.has(target)) {
      setFault(`alias '${alias.source}' contains itself`, at);
      return { kind: "null", at };
    }
    targets.set(alias, target);
    following.add(target);
    const value = convert(target, at);
    following.delete(target);
    return value;
  };

  const convertMap = (map: YAMLMap, at: Position): YamlNode => {
    following.add(map);
    const entries: YamlEntry[] = [];
    for (const pair of map.items as Pair[]) {
      const keyAt = startOf(pair.key as Node);
      const key = keyText(pair.key);
      if (key === null) setFault("a key must be a plain or quoted string", keyAt);
      else entries.push({ key, keyAt, value: convert(pair.value, keyAt) });
    }
    following.delete(map);
    return { kind: "map", entries, at };
  };

  // Over the written tree, not the unfolded one: a key that stands twice under an anchor is one repetition.
  const duplicates: DuplicateKey[] = [];
  const findDuplicates = (node: unknown, path: string): void => {
    if (isSeq(node)) {
      for (const item of (node as YAMLSeq).items) findDuplicates(item, `${path}[]`);
    } else if (isMap(node)) {
      const seen = new Set<string>();
      for (const pair of (node as YAMLMap).items as Pair[]) {
        const key = keyText(pair.key);
        if (key === null) continue;
        const keyPath = path === "" ? key : `${path}.${key}`;
        if (seen.has(key)) duplicates.push({ path: keyPath, key, at: startOf(pair.key as Node) });
        seen.add(key);
        findDuplicates(pair.value, keyPath);
      }
    }
  };

  const root = convert(document.contents, { line: 1, column: 1 });
  findDuplicates(document.contents, "");
  return { root, duplicates, fault };
}
