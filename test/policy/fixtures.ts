/** The bundle of the contract's example: two groups, three scoped rules and one without a scope. */
export const LIBRARY_BUNDLE = `version: 1
groups:
  curators: [act-maya, act-oleg]
  stewards: [act-maya]
protected_branches: [main, release]
rules:
  - id: curators-look
    allow: { actors: { group: curators }, actions: [read, export], branch_scope: any }
  - id: curators-edit-drafts
    allow: { actors: { group: curators }, actions: [change], branch_scope: unprotected }
  - id: stewards-publish
    allow: { actors: { group: stewards }, actions: [branch_merge, schema_apply], target_branch_scope: protected }
  - id: curators-run-tools
    allow: { actors: { group: curators }, actions: [invoke_query] }
`;

/** A bundle of one group `team` with the actor `ann`, and the given rules. */
export const bundleWith = (rules: string, head = ""): string =>
  `version: 1\n${head}groups:\n  team: [ann]\nrules:\n${rules}`;

export const rule = (id: string, actions: string, more = ""): string =>
  `  - id: ${id}\n    allow: { actors: { group: team }, actions: [${actions}]${more === "" ? "" : `, ${more}`} }\n`;
