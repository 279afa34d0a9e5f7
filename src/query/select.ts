// Which declaration of a source a request means.

import { badRequest } from "../lib/errors.ts";
import type { QueryDeclaration } from "./ast.ts";

/** The first declaration of that name; without a name, the only one there is. */
export function selectQuery(declarations: readonly QueryDeclaration[], name?: string): QueryDeclaration {
  if (name !== undefined) {
    const named = declarations.find((declaration) => declaration.name === name);
    if (named === undefined) throw badRequest(`query '${name}' not found`);
    return named;
  }
  const [only] = declarations;
  if (only === undefined) throw badRequest("no query is declared in the query file");
  if (declarations.length > 1) throw badRequest("query file contains multiple queries; pass --name");
  return only;
}
