// What a graph is, as simply as it can be said: four tables of rows, what each write does to them, and the rules that hold
// after every commit. The oracle of the simulation; it shares no code with the engine.

/** Debts that an account may have. */
const OWES_MAX = 2;

/** Two kinds of nodes and two of edges: a key, a unique property, generated and given ids, a limit on edges. */
export const SCHEMA = schemaWith([]);

/** The schema with optional text properties added to accounts. */
export function schemaWith(extras: readonly string[]): string {
  const added = extras.map((name) => `  ${name}: String?`).join("");
  return `node Account { name: String @key  email: String? @unique  balance: I64${added} }
node Event { text: String  level: I64? }
edge Owes: Account -> Account @card(0..${OWES_MAX}) { mark: String }
edge Saw: Account -> Event { mark: String }
`;
}

export type TableName = "Account" | "Event" | "Owes" | "Saw";
const TABLES: readonly TableName[] = ["Account", "Event", "Owes", "Saw"];
const ENDS = { Owes: ["Account", "Account"], Saw: ["Account", "Event"] } as const;

type Value = string | number | null;

export interface Row {
  /** Edges only. */
  readonly from?: string;
  readonly to?: string;
  readonly values: Readonly<Record<string, Value>>;
}

export interface State {
  /** Optional properties that accounts have beside their own. */
  readonly extras: readonly string[];
  readonly tables: Readonly<Record<TableName, ReadonlyMap<string, Row>>>;
}

export const EMPTY: State = {
  extras: [],
  tables: { Account: new Map(), Event: new Map(), Owes: new Map(), Saw: new Map() },
};

export interface Line extends Row {
  readonly table: TableName;
  readonly id: string;
}

/** A write, by its meaning. `mark` is unique, and names what gets an id of its own. */
export type Write = { readonly mark: string } & (
  | {
      readonly kind: "put";
      readonly name: string;
      readonly email: string | null;
      readonly balance: number;
      readonly extra: string | null;
    }
  | { readonly kind: "set-one"; readonly name: string; readonly balance: number }
  | { readonly kind: "set-below"; readonly below: number; readonly balance: number }
  | { readonly kind: "delete-one"; readonly name: string }
  | { readonly kind: "delete-above"; readonly above: number }
  | { readonly kind: "owe"; readonly from: string; readonly to: string }
  | { readonly kind: "settle"; readonly from: string }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "raise"; readonly below: number; readonly level: number }
  | { readonly kind: "sign-up"; readonly name: string; readonly other: string }
  | {
      readonly kind: "load";
      readonly mode: "append" | "merge" | "overwrite";
      readonly lines: readonly Line[];
    }
  | { readonly kind: "schema"; readonly extras: readonly string[] }
);

export type Outcome =
  | { readonly kind: "state"; readonly state: State }
  /** No entity matched: no commit. */
  | { readonly kind: "nothing" }
  | { readonly kind: "refused"; readonly why: string };

/** What gets its id from the engine is known by its mark. */
export const generatedId = (mark: string): string => `~${mark}`;

export function applyWrite(state: State, write: Write): Outcome {
  const next = new Edit(state);
  switch (write.kind) {
    case "put": {
      const { name, email, balance, extra, mark } = write;
      if (extra !== null && !state.extras.includes(extra)) return refused(`accounts have no ${extra}`);
      next.putAccount(name, { email, balance, ...(extra === null ? {} : { [extra]: mark }) });
      return next.judged();
    }
    case "set-one":
      return next.updateAccounts((id) => id === write.name, { balance: write.balance });
    case "set-below":
      return next.updateAccounts((_, { values }) => below(values.balance, write.below), {
        balance: write.balance,
      });
    case "delete-one":
      return next.deleteAccounts((id) => id === write.name);
    case "delete-above":
      return next.deleteAccounts((_, { values }) => !below(values.balance, write.above + 1));
    case "owe":
      next.putEdge("Owes", generatedId(write.mark), write.from, write.to, write.mark);
      return next.judged();
    case "settle": {
      const edges = [...state.tables.Owes].filter(([, { from }]) => from === write.from);
      for (const [id] of edges) next.tables.Owes.delete(id);
      return edges.length === 0 ? { kind: "nothing" } : next.judged();
    }
    case "note":
      next.tables.Event.set(generatedId(write.mark), { values: { text: write.text, level: null } });
      return next.judged();
    case "raise": {
      const events = [...state.tables.Event].filter(([, { values }]) => below(values.level, write.below));
      for (const [id, { values }] of events)
        next.tables.Event.set(id, { values: { ...values, level: write.level } });
      return events.length === 0 ? { kind: "nothing" } : next.judged();
    }
    case "sign-up":
      next.putAccount(write.name, { email: null, balance: 0 });
      next.putEdge("Owes", generatedId(write.mark), write.name, write.other, write.mark);
      next.tables.Event.set(generatedId(write.mark), { values: { text: write.mark, level: null } });
      return next.judged();
    case "load":
      return load(next, write.mode, write.lines);
    case "schema":
      if (write.extras.join() === state.extras.join()) return { kind: "nothing" };
      return { kind: "state", state: next.withExtras(write.extras) };
  }
}

function load(next: Edit, mode: "append" | "merge" | "overwrite", lines: readonly Line[]): Outcome {
  if (mode === "overwrite") for (const { table } of lines) next.tables[table].clear();
  for (const line of lines) {
    const rows = next.tables[line.table];
    if (mode === "append" && rows.has(line.id)) return refused(`${line.table} ${line.id} is there already`);
    if (line.table === "Account") next.putAccount(line.id, line.values);
    else rows.set(line.id, rowOf(line));
  }
  return next.judged();
}

const rowOf = ({ from, to, values }: Line): Row =>
  from === undefined || to === undefined ? { values } : { from, to, values };

/** Null never matches. */
const below = (value: Value | undefined, limit: number): boolean =>
  typeof value === "number" && value < limit;
const refused = (why: string): Outcome => ({ kind: "refused", why });

class Edit {
  readonly tables: Record<TableName, Map<string, Row>>;

  constructor(private readonly before: State) {
    const { Account, Event, Owes, Saw } = before.tables;
    this.tables = {
      Account: new Map(Account),
      Event: new Map(Event),
      Owes: new Map(Owes),
      Saw: new Map(Saw),
    };
  }

  /** An account is put whole: what is not said becomes null. */
  putAccount(name: string, values: Readonly<Record<string, Value>>): void {
    const unsaid = Object.fromEntries(this.before.extras.map((extra) => [extra, null]));
    this.tables.Account.set(name, { values: { ...unsaid, name, ...values } });
  }

  putEdge(table: "Owes" | "Saw", id: string, from: string, to: string, mark: string): void {
    this.tables[table].set(id, { from, to, values: { mark } });
  }

  updateAccounts(
    matches: (id: string, row: Row) => boolean,
    change: Readonly<Record<string, Value>>,
  ): Outcome {
    const found = [...this.tables.Account].filter(([id, row]) => matches(id, row));
    for (const [id, row] of found) this.tables.Account.set(id, { values: { ...row.values, ...change } });
    return found.length === 0 ? { kind: "nothing" } : this.judged();
  }

  deleteAccounts(matches: (id: string, row: Row) => boolean): Outcome {
    const gone = new Set([...this.tables.Account].flatMap(([id, row]) => (matches(id, row) ? [id] : [])));
    for (const id of gone) this.tables.Account.delete(id);
    for (const [id, { from = "" }] of [...this.tables.Saw]) if (gone.has(from)) this.tables.Saw.delete(id);
    for (const [id, { from = "", to = "" }] of [...this.tables.Owes])
      if (gone.has(from) || gone.has(to)) this.tables.Owes.delete(id);
    return gone.size === 0 ? { kind: "nothing" } : this.judged();
  }

  withExtras(extras: readonly string[]): State {
    for (const [id, { values }] of this.tables.Account) {
      const { name, email, balance } = values;
      const kept = extras.map((extra) => [extra, values[extra] ?? null]);
      this.tables.Account.set(id, { values: { name, email, balance, ...Object.fromEntries(kept) } });
    }
    return { extras, tables: this.tables };
  }

  judged(): Outcome {
    const state = { extras: this.before.extras, tables: this.tables };
    const broken = brokenRule(state);
    return broken === null ? { kind: "state", state } : refused(broken);
  }
}

/** The first rule of the schema that does not hold; null where all do. */
export function brokenRule({ tables }: State): string | null {
  const holders = new Map<Value, string>();
  for (const [id, { values }] of tables.Account) {
    const { email } = values;
    if (email === null || email === undefined) continue;
    if (holders.has(email)) return `${id} and ${holders.get(email)} share the e-mail ${email}`;
    holders.set(email, id);
  }
  for (const table of ["Owes", "Saw"] as const) {
    const [source, target] = ENDS[table];
    for (const [id, { from = "", to = "" }] of tables[table]) {
      if (!tables[source].has(from)) return `${table} ${id} comes from ${from}, which is not there`;
      if (!tables[target].has(to)) return `${table} ${id} goes to ${to}, which is not there`;
    }
  }
  const counts = new Map<string, number>();
  for (const { from = "" } of tables.Owes.values()) counts.set(from, (counts.get(from) ?? 0) + 1);
  for (const [from, count] of counts) if (count > OWES_MAX) return `${from} owes ${count} times`;
  return null;
}

/** Three states as one: whole rows, and no rule may break. */
export function mergeStates(base: State, source: State, target: State): Outcome {
  const next = new Edit(target);
  for (const table of TABLES) {
    const ids = new Set([...base.tables[table].keys(), ...source.tables[table].keys()]);
    for (const id of ids) {
      const [inBase, inSource, inTarget] = [base, source, target].map((side) =>
        textOf(side.tables[table].get(id)),
      );
      if (inSource === inBase || inSource === inTarget) continue;
      if (inTarget !== inBase) return refused(`${table} ${id} was changed on both sides`);
      const row = source.tables[table].get(id);
      if (row === undefined) next.tables[table].delete(id);
      else next.tables[table].set(id, row);
    }
  }
  return next.judged();
}

const textOf = (row: Row | undefined): string => (row === undefined ? "-" : recordText("", "", row));

const RECORDS = new WeakMap<State, readonly string[]>();

/** A state as sorted lines, for comparison. */
export function records(state: State): readonly string[] {
  let lines = RECORDS.get(state);
  if (lines === undefined) {
    lines = TABLES.flatMap((table) =>
      Array.from(state.tables[table], ([id, row]) => recordText(table, id, row)),
    ).sort();
    RECORDS.set(state, lines);
  }
  return lines;
}

/** One entity as a line; the same for a row of the model and one that the engine answered. */
export function recordText(table: string, id: string, { from = "", to = "", values }: Row): string {
  const texts = Object.keys(values)
    .sort()
    .map((name) => `${name}=${JSON.stringify(values[name])}`);
  return `${table} ${id} ${from}>${to} ${texts.join(" ")}`;
}
