// Random schemas that change and change again over rows: a plan's steps carried out on the old schema give the new one,
// rows keep what the schema keeps, and every earlier commit still reads as it was.

import { describe, expect, it } from "bun:test";
import type { Graph } from "../../../src/engine/graph.ts";
import { initGraph, openGraph, openMaintenance } from "../../../src/engine/index.ts";
import { OmnigraphError } from "../../../src/lib/errors.ts";
import type { JsonObject, JsonValue } from "../../../src/lib/json.ts";
import { seededUnit } from "../../../src/storage/faults.ts";
import { memoryStorage } from "../../../src/storage/index.ts";
import { over, ports, type TestGraph } from "../support.ts";
import {
  type Below,
  Evolution,
  effectiveProperties,
  type Identity,
  type PropertyModel,
  randomValue,
  type SchemaModel,
  schemaText,
  type TypeModel,
} from "./model.ts";
import { flatten, replaySteps } from "./steps.ts";

/** `OMNIGRAPH_EVOLUTION_SEED=n` replays one seed. */
const ONE_SEED = process.env.OMNIGRAPH_EVOLUTION_SEED;
const SEEDS = ONE_SEED === undefined ? Array.from({ length: 25 }, (_, i) => i + 1) : [Number(ONE_SEED)];
const ROUNDS = 6;

/** Values by identity of the property; a node without a value has null. */
interface Row {
  readonly id: string;
  readonly src: string | null;
  readonly dst: string | null;
  readonly values: ReadonlyMap<Identity, JsonValue>;
}

/** Rows by identity of the type, then by id. */
type Rows = ReadonlyMap<Identity, ReadonlyMap<string, Row>>;

/** What a commit held. */
interface Moment {
  readonly commit: string;
  readonly schema: SchemaModel;
  readonly rows: Rows;
}

interface NamedProperty {
  readonly property: PropertyModel;
  readonly name: string;
}

class Story {
  private schema: SchemaModel;
  private rows: Rows = new Map();
  private readonly moments: Moment[] = [];
  /** What hard drops took: types, and properties of one type each, whoever else inherits them. */
  private readonly purged = new Set<string>();
  private fixture!: TestGraph;

  constructor(private readonly below: Below) {
    this.schema = Evolution.first(below);
  }

  async run(): Promise<void> {
    const storage = memoryStorage(ports);
    await initGraph({ storage, ports, schemaSource: schemaText(this.schema, null, this.below) });
    this.fixture = over(storage, await openGraph({ storage, ports }));
    for (let round = 0; round < ROUNDS; round++) {
      await this.load();
      await this.evolve();
      if (this.below(4) === 0) await (await openMaintenance({ storage, ports })).optimize();
      const reader = this.below(2) === 0 ? this.fixture.graph : await this.fixture.reopen();
      await this.checkHead(reader);
      for (const moment of this.moments) await this.checkPast(reader, moment);
    }
  }

  // --- what happens ---------------------------------------------------------------------------------------------

  private async load(): Promise<void> {
    const { below, schema } = this;
    const rows = new Map(this.rows);
    const lines: JsonObject[] = [];
    const valuesOf = (type: TypeModel, id: string) => {
      const values = new Map<Identity, JsonValue>();
      const data: Record<string, JsonValue> = {};
      for (const property of effectiveProperties(schema, type)) {
        if (!property.isKey && below(3) === 0) continue;
        const value = property.isKey ? id : randomValue(property, below);
        values.set(property.id, value);
        data[property.name] = value;
      }
      return { values, data };
    };
    for (const type of schema.types.filter(({ kind }) => kind === "node")) {
      const held = new Map(rows.get(type.id));
      for (const id of new Set(Array.from({ length: below(5) }, () => `n${below(9)}`))) {
        const { values, data } = valuesOf(type, id);
        held.set(id, { id, src: null, dst: null, values });
        lines.push({
          type: type.name,
          data: type.properties.some(({ isKey }) => isKey) ? data : { id, ...data },
        });
      }
      rows.set(type.id, held);
    }
    for (const type of schema.types.filter(({ kind }) => kind === "edge")) {
      const [sources, targets] = type.others.map((id) => [...(rows.get(id)?.keys() ?? [])]);
      const held = new Map(rows.get(type.id));
      for (let i = below(4); i > 0 && sources.length > 0 && targets.length > 0; i--) {
        const [src, dst] = [sources[below(sources.length)], targets[below(targets.length)]];
        const id = `e${held.size}-${below(5)}`;
        if (held.has(id)) continue;
        const { values, data } = valuesOf(type, id);
        held.set(id, { id, src, dst, values });
        lines.push({ edge: type.name, from: src, to: dst, data: { id, ...data } });
      }
      rows.set(type.id, held);
    }
    this.rows = rows;
    if (lines.length > 0) await this.fixture.load(lines);
    await this.remember();
  }

  private async evolve(): Promise<void> {
    const { below, schema: before } = this;
    const evolution = new Evolution(before, below);
    for (let i = 1 + below(4); i > 0; i--) evolution.step();
    const schema = evolution.result();
    const source = schemaText(schema, before, below);
    const allowDataLoss = below(4) === 0;
    const { graph } = this.fixture;
    const plan = await graph.planSchema(source, allowDataLoss);
    const applied = await graph.applySchema({ source, allowDataLoss, actor: null });
    expect(applied.steps).toEqual(plan.steps);
    const [from, to] = [flatten(before), flatten(schema)];
    const replayed = replaySteps(from, plan.steps, to);
    expect([...replayed]).toEqual([...to].sort(([a], [b]) => (a < b ? -1 : 1)));
    for (const step of plan.steps) {
      if ("mode" in step) expect(step.mode).toBe(allowDataLoss ? "hard" : "soft");
    }
    if (allowDataLoss) for (const id of droppedBetween(before, schema)) this.purged.add(id);
    const kept = new Set(schema.types.map(({ id }) => id));
    this.rows = new Map([...this.rows].filter(([id]) => kept.has(id)));
    this.schema = schema;
    await this.remember();
  }

  private async remember(): Promise<void> {
    const [head] = await this.fixture.graph.commits();
    this.moments.push({ commit: head.graph_commit_id, schema: this.schema, rows: this.rows });
  }

  // --- what is read ---------------------------------------------------------------------------------------------

  private async checkHead(reader: Graph): Promise<void> {
    for (const type of entityTypes(this.schema)) {
      const properties = effectiveProperties(this.schema, type).map((property) => ({
        property,
        name: property.name,
      }));
      await this.checkType(reader, type, type.name, properties, this.rows, this.schema, undefined);
    }
  }

  /** Types by the name that they have now, else by the one they had; properties by the one they had. */
  private async checkPast(reader: Graph, { commit, schema, rows }: Moment): Promise<void> {
    for (const then of entityTypes(schema)) {
      const now = this.schema.types.find(({ id }) => id === then.id);
      const isTaken = this.schema.types.some(
        ({ kind, name }) => kind === then.kind && name.toLowerCase() === then.name.toLowerCase(),
      );
      if (now === undefined && isTaken) continue;
      const name = now?.name ?? then.name;
      const properties = effectiveProperties(schema, then).map((property) => ({
        property,
        name: property.name,
      }));
      const added = now === undefined ? [] : effectiveProperties(this.schema, now);
      for (const property of added) {
        const known = properties.some(
          (other) => other.name === property.name || other.property.id === property.id,
        );
        if (!known) properties.push({ property, name: property.name });
      }
      const parts = then.kind === "edge" ? [then.id, ...then.others] : [then.id];
      if (parts.some((id) => this.purged.has(`${id}`))) {
        await this.expectGone(reader, then, name, null, commit);
        continue;
      }
      const isGone = ({ property }: { property: PropertyModel }) =>
        this.purged.has(`${then.id}.${property.id}`);
      const gone = properties.filter(isGone);
      for (const { name: property } of gone) await this.expectGone(reader, then, name, property, commit);
      const readable = properties.filter((item) => !isGone(item));
      await this.checkType(reader, then, name, readable, rows, schema, commit);
    }
  }

  private async checkType(
    reader: Graph,
    type: TypeModel,
    name: string,
    properties: readonly NamedProperty[],
    rows: Rows,
    schema: SchemaModel,
    snapshot: string | undefined,
  ): Promise<void> {
    const held = [...(rows.get(type.id)?.values() ?? [])];
    const ends = type.kind === "edge";
    const expected = held.map((row) => ({
      ...(ends ? { s: row.src, d: row.dst } : { x: row.id }),
      ...Object.fromEntries(properties.map((item) => [item.name, row.values.get(item.property.id) ?? null])),
    }));
    const returned = [
      ends ? "$s as s, $d as d" : "$x as x",
      ...properties.map((item) => `$x.${item.name} as ${item.name}`),
    ].join(", ");
    const found = await reader.query({
      source: `query q() { match { ${patternOf(type, name)} } return { ${returned} } }`,
      ...(snapshot === undefined ? {} : { snapshot }),
    });
    const where = `${type.kind} ${name} of ${schema.types.length} types at ${snapshot ?? "the head"}`;
    expect([where, sortedTexts(found.rows())]).toEqual([where, sortedTexts(expected)]);
    if (held.length > 0) await this.checkFilter(reader, type, name, properties, held, snapshot);
  }

  /** The rows that have the value of some row in some property. */
  private async checkFilter(
    reader: Graph,
    type: TypeModel,
    name: string,
    properties: readonly NamedProperty[],
    held: readonly Row[],
    snapshot: string | undefined,
  ): Promise<void> {
    const scalars = properties.filter(({ property }) => property.base !== "[String]");
    if (scalars.length === 0) return;
    const { property, name: propertyName } = scalars[this.below(scalars.length)];
    const value = held[this.below(held.length)].values.get(property.id) ?? null;
    const declared = property.base === "enum" ? "String" : property.base;
    // An enum takes the values that it has now; a value of the past is one of them.
    const { rowCount } = await reader.query({
      source: `query q($v: ${declared}?) { match { ${patternOf(type, name)} $x.${propertyName} = $v } return { $x.${propertyName} } }`,
      params: { v: value },
      ...(snapshot === undefined ? {} : { snapshot }),
    });
    const equal = held.filter((row) => value !== null && row.values.get(property.id) === value);
    expect([name, propertyName, value, rowCount]).toEqual([name, propertyName, value, equal.length]);
  }

  private async expectGone(
    reader: Graph,
    type: TypeModel,
    name: string,
    property: string | null,
    snapshot: string,
  ): Promise<void> {
    const returned = property === null ? "count($x) as n" : `$x.${property} as p`;
    const match = property === null && type.kind === "edge" ? "count($s) as n" : returned;
    const source = `query q() { match { ${patternOf(type, name)} } return { ${match} } }`;
    const error = await reader.query({ source, snapshot }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(OmnigraphError);
    expect([name, property, (error as OmnigraphError).status]).toEqual([name, property, 410]);
  }
}

const entityTypes = ({ types }: SchemaModel) => types.filter(({ kind }) => kind !== "interface");

const patternOf = ({ kind }: TypeModel, name: string): string =>
  kind === "node" ? `$x: ${name}` : `$s $x:${name[0].toLowerCase()}${name.slice(1)} $d`;

const sortedTexts = (rows: readonly JsonObject[]): string[] =>
  rows.map((row) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();

function droppedBetween(before: SchemaModel, after: SchemaModel): string[] {
  return before.types.flatMap((type) => {
    const now = after.types.find(({ id }) => id === type.id);
    if (now === undefined) return [`${type.id}`];
    const kept = new Set(effectiveProperties(after, now).map(({ id }) => id));
    const dropped = effectiveProperties(before, type).filter(({ id }) => !kept.has(id));
    return dropped.map(({ id }) => `${type.id}.${id}`);
  });
}

describe("a schema that evolves at random", () => {
  it(`keeps what it keeps, and every earlier commit as it was (${SEEDS.length} seeds)`, async () => {
    for (const seed of SEEDS) {
      const unit = seededUnit(seed);
      await new Story((bound) => Math.floor(unit() * bound)).run().catch((error: Error) => {
        throw new Error(
          `seed ${seed} (OMNIGRAPH_EVOLUTION_SEED=${seed} bun test test/engine/evolution): ${error.message}`,
          { cause: error },
        );
      });
    }
  });
});
