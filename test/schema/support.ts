import { admitSchema, type Catalog, SchemaError } from "../../src/schema/index.ts";

/** Admits a schema as that of a new graph. */
export const admit = (source: string): Catalog => admitSchema(source, null);

/** The error that a schema is refused with. */
export function refusalError(attempt: () => unknown): SchemaError {
  try {
    attempt();
  } catch (thrown) {
    if (thrown instanceof SchemaError) return thrown;
    throw thrown;
  }
  throw new Error("the schema was not refused");
}

/** The message that a schema is refused with. */
export const refusal = (source: string): string => refusalError(() => admit(source)).message;

/** The text that an error's span covers. */
export const marked = (source: string): string => {
  const { start, end } = refusalError(() => admit(source)).span;
  return source.slice(start, end);
};

/** A schema that uses most of the language. */
export const REPAIR_SHOP = `// catalogue of a repair shop
interface Labelled { label: String @index }

node Machine @description("a device in the shop") implements Labelled {
    serial: String @key
    state: enum(idle, running, broken) @index
    load_kg: F64?
    tags: [String]?
    manual: String
    manual_vec: Vector(768)? @embed("manual", model="acme/embed-1") @index
    @range(load_kg, 0..5000)
    @check(serial, "^M-\\\\d{4}$")
}
node Slot { hall: String  number: U32  @key(hall, number) }

edge StandsIn: Machine -> Slot @card(0..1) @rename_from("LocatedIn") {
    since: Date?
    @unique(src, dst)
}
`;
