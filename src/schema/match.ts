// Which declaration of a desired schema is which of the accepted one: by name, else by rename hint, else new.

import { failIn } from "./errors.ts";
import type { RenameHint, ResolvedProperty, ResolvedSchema, ResolvedType } from "./resolved.ts";

export interface PropertyMatch {
  readonly desired: ResolvedProperty;
  readonly accepted: ResolvedProperty | null;
}

export interface TypeMatch {
  readonly desired: ResolvedType;
  /** Of the same kind; null for a new type. */
  readonly accepted: ResolvedType | null;
  /** In byte order of the desired names. */
  readonly properties: readonly PropertyMatch[];
  /** Accepted properties that nobody claims, in byte order of name. */
  readonly droppedProperties: readonly ResolvedProperty[];
}

export interface SchemaMatch {
  /** In the order of the desired text. */
  readonly types: readonly TypeMatch[];
  readonly dropped: readonly ResolvedType[];
  /** Hints without effect, one sentence each. */
  readonly warnings: readonly string[];
}

const keyOf = (type: { readonly kind: string; readonly name: string }) => `${type.kind}:${type.name}`;

/** Throws SchemaError (`schema identity resolution failed: ...`) for a hint that cannot be followed. */
export function matchSchemas(accepted: ResolvedSchema | null, desired: ResolvedSchema): SchemaMatch {
  return accepted === null ? matchNothing(desired) : new Matcher(accepted, desired).match();
}

/** A first schema: everything is new, and hints name nothing that could have existed. */
function matchNothing(desired: ResolvedSchema): SchemaMatch {
  const warnings: string[] = [];
  const warn = (what: string, hint: RenameHint | null) => {
    if (hint !== null && !hint.inherited) {
      warnings.push(`@rename_from("${hint.from}") on ${what} has no effect in a new graph`);
    }
  };
  const types = desired.types.map((type): TypeMatch => {
    warn(`${type.kind} ${type.name}`, type.hint);
    const properties = type.properties.map((property) => {
      warn(`property ${type.name}.${property.name}`, property.hint);
      return { desired: property, accepted: null };
    });
    return { desired: type, accepted: null, properties, droppedProperties: [] };
  });
  return { types, dropped: [], warnings };
}

class Matcher {
  private readonly acceptedByKey: ReadonlyMap<string, ResolvedType>;
  private readonly desiredKeys: ReadonlySet<string>;
  /** Keys of accepted types that a hint claimed. */
  private readonly claimed = new Set<string>();
  private readonly warnings: string[] = [];
  private readonly fail;

  constructor(
    private readonly accepted: ResolvedSchema,
    private readonly desired: ResolvedSchema,
  ) {
    this.acceptedByKey = new Map(accepted.types.map((type) => [keyOf(type), type]));
    this.desiredKeys = new Set(desired.types.map(keyOf));
    this.fail = failIn("identity", desired.source);
  }

  match(): SchemaMatch {
    const pairs = this.desired.types.map((desired) => ({ desired, accepted: this.acceptedType(desired) }));
    const types = pairs.map(({ desired, accepted }) =>
      accepted === null ? this.newType(desired) : this.survivingType(desired, accepted),
    );
    const dropped = this.accepted.types.filter(
      (type) => !this.desiredKeys.has(keyOf(type)) && !this.claimed.has(keyOf(type)),
    );
    return { types, dropped, warnings: this.warnings };
  }

  private acceptedType(desired: ResolvedType): ResolvedType | null {
    const same = this.acceptedByKey.get(keyOf(desired));
    const { hint } = desired;
    if (hint === null) return same ?? null;
    const what = `${desired.kind} ${desired.name} declares @rename_from("${hint.from}")`;
    if (same !== undefined) {
      this.warnings.push(`${what}, which has no effect: that ${desired.kind} exists already`);
      return same;
    }
    const key = `${desired.kind}:${hint.from}`;
    const former = this.acceptedByKey.get(key);
    if (former === undefined) {
      const other = this.accepted.types.find((type) => type.name === hint.from);
      if (other !== undefined) {
        this.fail(
          hint.span,
          `${what}, but '${hint.from}' is accepted as ${other.kind}, and nothing is renamed across declaration kinds`,
        );
      }
      return this.fail(hint.span, `${what}, but no accepted declaration has that name`);
    }
    if (this.desiredKeys.has(key) || this.claimed.has(key)) {
      this.fail(
        hint.span,
        `${what}, but accepted ${desired.kind} ${hint.from} is consumed by more than one desired declaration`,
      );
    }
    this.claimed.add(key);
    return former;
  }

  private newType(desired: ResolvedType): TypeMatch {
    const properties = desired.properties.map((property) => {
      if (property.hint !== null && !property.hint.inherited) {
        this.fail(
          property.hint.span,
          `${desired.kind} ${desired.name} is new, so its property '${property.name}' cannot import property identity with @rename_from("${property.hint.from}")`,
        );
      }
      return { desired: property, accepted: null };
    });
    return { desired, accepted: null, properties, droppedProperties: [] };
  }

  private survivingType(desired: ResolvedType, accepted: ResolvedType): TypeMatch {
    const former = new Map(accepted.properties.map((property) => [property.name, property]));
    const kept = new Set(desired.properties.map((property) => property.name));
    const claimed = new Set<string>();
    const properties = desired.properties.map((property): PropertyMatch => {
      const same = former.get(property.name);
      const { hint } = property;
      if (same !== undefined) {
        if (hint !== null && !hint.inherited) {
          this.warnings.push(
            `property ${desired.name}.${property.name} declares @rename_from("${hint.from}"), which has no effect: that property exists already`,
          );
        }
        return { desired: property, accepted: same };
      }
      if (hint === null) return { desired: property, accepted: null };
      const renamed = former.get(hint.from);
      const isFree = renamed !== undefined && !kept.has(hint.from) && !claimed.has(hint.from);
      if (isFree) {
        claimed.add(hint.from);
        return { desired: property, accepted: renamed };
      }
      // An interface's hint speaks about the interface; a node that never had the old property is none of its business.
      if (hint.inherited) return { desired: property, accepted: null };
      return this.refuseHint(hint, desired, property, renamed !== undefined);
    });
    const droppedProperties = accepted.properties.filter(
      (property) => !kept.has(property.name) && !claimed.has(property.name),
    );
    return { desired, accepted, properties, droppedProperties };
  }

  private refuseHint(
    hint: RenameHint,
    owner: ResolvedType,
    property: ResolvedProperty,
    isTaken: boolean,
  ): never {
    const what = `property ${owner.name}.${property.name} declares @rename_from("${hint.from}")`;
    if (isTaken) {
      this.fail(hint.span, `${what}, but accepted property '${hint.from}' is consumed more than once`);
    }
    const name = hint.from.slice(hint.from.lastIndexOf(".") + 1);
    const elsewhere = this.accepted.types.find((type) =>
      type.properties.some((other) => other.name === name),
    );
    const move =
      elsewhere === undefined
        ? ""
        : ` (${elsewhere.name} has it: property moves across stable owners are not supported)`;
    return this.fail(
      hint.span,
      `${what}, but no accepted property with that name exists under the stable owner ${owner.name}${move}`,
    );
  }
}
