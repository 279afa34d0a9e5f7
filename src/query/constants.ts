// The constants of a plan as values, once parameters and the time of the request are known.

import { assert } from "../lib/assert.ts";
import { badRequest } from "../lib/errors.ts";
import { parseDate, parseDateTime } from "../lib/temporal.ts";
import type { PropertyType } from "../schema/catalog.ts";
import type { Constant, Parameters, Value } from "./plan.ts";

/** `nowMs` is when the request began. Throws where the text of a `date("…")` or `datetime("…")` is none. */
export function resolveConstant(constant: Constant, params: Parameters, nowMs: number): Value {
  switch (constant.kind) {
    case "literal":
      return constant.value;
    case "parameter": {
      const value = params.get(constant.name);
      assert(value !== undefined, `parameter ${constant.name} was decoded`);
      return value;
    }
    case "dateLiteral":
      return parseTemporal(constant.text, constant.type);
    case "dateListLiteral":
      return constant.texts.map((text) => parseTemporal(text, constant.type));
    case "now":
      return nowMs;
  }
}

function parseTemporal(text: string, type: PropertyType): number {
  const value = type.scalar === "Date" ? parseDate(text) : parseDateTime(text);
  if (value === null) throw badRequest(`invalid ${type.scalar} literal '${text}'`);
  return value;
}
