// Makes a failing case small: leaves out one thing after the other, as long as it still fails.

import type { Case } from "./compare.ts";
import type { EntityModel, GraphModel, Operation, PropertyModel, SchemaModel } from "./graph-model.ts";
import type { ClauseModel, Question } from "./question.ts";

/** Attempts before what was reached is small enough. */
const ATTEMPTS_MAX = 4_000;

/** What fails too, and of which nothing more can be left out. `smaller` offers whatever leaves one thing out. */
export async function shrink<T>(
  failing: T,
  smaller: (whole: T) => Iterable<T>,
  fails: (candidate: T) => Promise<boolean>,
): Promise<T> {
  let smallest = failing;
  let attempts = 0;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smaller(smallest)) {
      if (++attempts > ATTEMPTS_MAX) return smallest;
      // What is left of a graph may be no graph: then it does not fail either.
      if (!(await fails(candidate).catch(() => false))) continue;
      smallest = candidate;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

/** Everything that leaves one thing out of a case; large things first. */
export function* smallerCases(whole: Case): Generator<Case> {
  const { graph, question, version } = whole;
  if (version < graph.commits.length) {
    yield { ...whole, graph: { ...graph, commits: graph.commits.slice(0, version) } };
  }
  for (let i = 0; i < version; i++) {
    yield { ...whole, graph: { ...graph, commits: without(graph.commits, i) }, version: version - 1 };
  }
  for (const smaller of smallerQuestions(question)) yield { ...whole, question: smaller };
  for (const commits of smallerCommits(graph.commits)) yield { ...whole, graph: { ...graph, commits } };
  for (const { schema, names } of smallerSchema(graph.schema)) {
    const commits = graph.commits.map((operations) => operations.filter(({ type }) => names.has(type)));
    yield { ...whole, graph: { schema, commits } };
  }
  for (const smaller of smallerValues(graph)) yield { ...whole, graph: smaller };
}

const without = <T>(items: readonly T[], place: number): T[] => items.filter((_, i) => i !== place);

export function* eachReplaced<T>(items: readonly T[], smaller: (item: T) => Iterable<T>): Generator<T[]> {
  for (const [place, item] of items.entries()) {
    for (const replacement of smaller(item)) yield items.with(place, replacement);
  }
}

export function* eachLeftOut<T>(items: readonly T[]): Generator<T[]> {
  for (let place = 0; place < items.length; place++) yield without(items, place);
}

export function* smallerQuestions(question: Question): Generator<Question> {
  const { clauses, items, order, limit, parameters } = question;
  for (const fewer of eachLeftOut(clauses)) yield { ...question, clauses: fewer };
  if (limit !== null) yield { ...question, limit: null };
  for (const fewer of eachLeftOut(order)) yield { ...question, order: fewer };
  for (const fewer of eachLeftOut(items)) yield { ...question, items: fewer };
  const [first] = clauses;
  for (const name of first === undefined ? [] : variablesOf(first)) {
    if (items.length === 1 && items[0].length > name.length) yield { ...question, items: [name] };
  }
  for (const simpler of eachReplaced(clauses, smallerClauses)) yield { ...question, clauses: simpler };
  for (const fewer of eachLeftOut(parameters)) yield { ...question, parameters: fewer };
}

/** Names that a clause binds to nodes, as they are written. */
function variablesOf(clause: ClauseModel): string[] {
  if (clause.kind === "binding") return [`$${clause.variable}`];
  return clause.kind === "traversal" ? [clause.left, clause.right].filter((name) => name !== "$_") : [];
}

function* smallerClauses(clause: ClauseModel): Generator<ClauseModel> {
  if (clause.kind === "binding") {
    for (const matches of eachLeftOut(clause.matches)) yield { ...clause, matches };
  } else if (clause.kind === "traversal") {
    if (clause.hops !== "") yield { ...clause, hops: "" };
    if (clause.binding !== "") yield { ...clause, binding: "" };
    if (clause.edge.startsWith("<")) yield { ...clause, edge: clause.edge.slice(1, -1) };
  } else if (clause.kind === "not") {
    for (const clauses of eachLeftOut(clause.clauses)) yield { kind: "not", clauses };
    for (const clauses of eachReplaced(clause.clauses, smallerClauses)) yield { kind: "not", clauses };
  }
}

function* smallerCommits(commits: GraphModel["commits"]): Generator<(readonly Operation[])[]> {
  for (const [place, operations] of commits.entries()) {
    for (const type of new Set(operations.map((operation) => operation.type))) {
      yield commits.with(
        place,
        operations.filter((operation) => operation.type !== type),
      );
    }
  }
  for (const [place, operations] of commits.entries()) {
    for (const fewer of eachLeftOut(operations)) yield commits.with(place, fewer);
  }
}

/** A schema with one type or property less, and the names that are left in it. */
export function* smallerSchema(
  schema: SchemaModel,
): Generator<{ schema: SchemaModel; names: ReadonlySet<string> }> {
  const { nodes, edges } = schema;
  const named = (smaller: SchemaModel) => {
    const types = [...smaller.nodes, ...smaller.edges];
    const names = types.flatMap(({ name, properties }) => [
      name,
      ...properties.map((property) => property.name),
    ]);
    return { schema: smaller, names: new Set(names) };
  };
  for (const fewer of eachLeftOut(edges)) yield named({ nodes, edges: fewer });
  for (const fewer of eachLeftOut(nodes)) {
    const names = new Set(fewer.map(({ name }) => name));
    if (edges.every(({ from, to }) => names.has(from) && names.has(to))) yield named({ nodes: fewer, edges });
  }
  const simplerNodes = eachReplaced(nodes, (node) =>
    smallerProperties(node.properties, node.key).map((properties) => ({ ...node, properties })),
  );
  for (const simpler of simplerNodes) yield named({ nodes: simpler, edges });
  const simplerEdges = eachReplaced(edges, (edge) =>
    smallerProperties(edge.properties, []).map((properties) => ({ ...edge, properties })),
  );
  for (const simpler of simplerEdges) yield named({ nodes, edges: simpler });
}

function smallerProperties(properties: readonly PropertyModel[], key: readonly string[]): PropertyModel[][] {
  const free = properties.flatMap(({ name }, place) => (key.includes(name) ? [] : [place]));
  const plain = properties.map((property) => ({ ...property, isIndexed: false, isInherited: false }));
  const isPlain = properties.every(({ isIndexed, isInherited }) => !isIndexed && !isInherited);
  return [...free.map((place) => without(properties, place)), ...(isPlain ? [] : [plain])];
}

/** Null in the place of one value. */
function* smallerValues({ schema, commits }: GraphModel): Generator<GraphModel> {
  const nullable = new Map(
    [...schema.nodes, ...schema.edges].map(({ name, properties }) => [
      name,
      new Set(properties.flatMap((property) => (property.type.nullable ? [property.name] : []))),
    ]),
  );
  for (const [place, operations] of commits.entries()) {
    for (const [index, operation] of operations.entries()) {
      if (operation.kind !== "put") continue;
      const { entity, type } = operation;
      for (const [name, value] of Object.entries(entity.values)) {
        if (value === null || nullable.get(type)?.has(name) !== true) continue;
        const simpler: EntityModel = { ...entity, values: { ...entity.values, [name]: null } };
        yield {
          schema,
          commits: commits.with(place, operations.with(index, { ...operation, entity: simpler })),
        };
      }
    }
  }
}
