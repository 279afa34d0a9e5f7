// Which stored queries a graph has: from the three forms of `queries:` to named declarations with their files.

import { checkQuery, parseQueries, type QueryDeclaration } from "../query/index.ts";
import type { Catalog } from "../schema/index.ts";
import { nameFault } from "./addresses.ts";
import type { QueriesConfig } from "./config.ts";
import { type Diagnostic, errorAt, messageOf, messagesOf, warningAt } from "./diagnostics.ts";
import type { SourceFile, Sources } from "./sources.ts";

export interface DiscoveredQuery {
  readonly name: string;
  readonly file: SourceFile;
  /** As cluster.yaml (or the listing of its directory) names the file. */
  readonly sourcePath: string;
}

export interface Discovery {
  readonly queries: readonly DiscoveredQuery[];
  readonly diagnostics: readonly Diagnostic[];
}

const EXTENSION = ".gq";

/**
 * Finds and checks the queries of a graph; `where` is the path of its `queries:`. Without a catalog (its schema is
 * invalid) queries are parsed and no more.
 */
export async function discoverQueries(
  config: QueriesConfig,
  where: string,
  sources: Sources,
  catalog: Catalog | null,
): Promise<Discovery> {
  const finder = new Finder(where, sources, catalog);
  if (config.kind === "map") {
    for (const [name, path] of config.files) await finder.addNamed(name, path);
  } else {
    const paths = config.kind === "path" ? [config.path] : config.paths;
    for (const path of paths) await finder.addPath(path);
  }
  return finder;
}

class Finder implements Discovery {
  readonly queries: DiscoveredQuery[] = [];
  readonly diagnostics: Diagnostic[] = [];

  constructor(
    private readonly where: string,
    private readonly sources: Sources,
    private readonly catalog: Catalog | null,
  ) {}

  private error(code: string, path: string, message: string): void {
    this.diagnostics.push(errorAt(code, path, message));
  }

  /** A directory of query files, or one file. */
  async addPath(path: string): Promise<void> {
    if (!(await this.sources.isDirectory(path))) return this.addFile(path);
    let files: readonly string[];
    try {
      files = await this.sources.filesIn(path, EXTENSION);
    } catch (thrown) {
      const shown = this.sources.shownPath(path);
      return this.error(
        "query_dir_unreadable",
        this.where,
        `cannot list directory '${shown}': ${messageOf(thrown)}`,
      );
    }
    if (files.length === 0) {
      const shown = this.sources.shownPath(path);
      this.diagnostics.push(
        warningAt("query_dir_empty", this.where, `directory '${shown}' has no ${EXTENSION} files`),
      );
    }
    for (const file of files) await this.addFile(file);
  }

  /** Every query of a file. */
  private async addFile(path: string): Promise<void> {
    const read = await this.sources.read(path);
    if (!read.ok) return this.error("query_file_missing", this.where, read.message);
    const declarations = this.parse(read.file, this.where);
    for (const declaration of declarations ?? []) this.add(declaration, read.file, path);
  }

  /** One entry of the map form: that query of that file. */
  async addNamed(name: string, path: string): Promise<void> {
    const where = `${this.where}.${name}`;
    const fault = nameFault(name);
    if (fault !== null) this.error("invalid_resource_id", where, `query name ${fault}`);
    const read = await this.sources.read(path);
    if (!read.ok) return this.error("query_file_missing", `${where}.file`, read.message);
    this.queries.push({ name, file: read.file, sourcePath: path });
    const declarations = this.parse(read.file, where);
    if (declarations === null) return;
    const declaration = declarations.find((candidate) => candidate.name === name);
    if (declaration !== undefined) return this.check(declaration, where);
    const names = declarations.map((candidate) => candidate.name).join(", ");
    this.error(
      "query_key_mismatch",
      where,
      `'${read.file.path}' declares no query '${name}' (it declares: ${names === "" ? "none" : names})`,
    );
  }

  private parse(file: SourceFile, where: string): readonly QueryDeclaration[] | null {
    try {
      return parseQueries(file.text);
    } catch (thrown) {
      for (const message of messagesOf(thrown)) {
        this.error("query_parse_error", where, `'${file.path}': ${message}`);
      }
      return null;
    }
  }

  private add(declaration: QueryDeclaration, file: SourceFile, sourcePath: string): void {
    const { name } = declaration;
    const where = `${this.where}.${name}`;
    const known = this.queries.find((query) => query.name === name);
    if (known !== undefined) {
      const message = `query '${name}' is declared in '${known.file.path}' and again in '${file.path}'`;
      this.error("duplicate_query_name", where, message);
      return;
    }
    const fault = nameFault(name);
    if (fault !== null) this.error("invalid_resource_id", where, `query name ${fault}`);
    this.queries.push({ name, file, sourcePath });
    this.check(declaration, where);
  }

  private check(declaration: QueryDeclaration, where: string): void {
    if (this.catalog === null) {
      this.diagnostics.push(
        warningAt(
          "query_typecheck_skipped",
          where,
          `query '${declaration.name}' is not type-checked, because the schema of its graph is invalid`,
        ),
      );
      return;
    }
    try {
      checkQuery(declaration, this.catalog);
    } catch (thrown) {
      for (const message of messagesOf(thrown)) {
        this.error("query_typecheck_error", where, `query '${declaration.name}': ${message}`);
      }
    }
  }
}
