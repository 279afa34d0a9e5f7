// The vectors of texts in queries: by the graph's own provider where it has one, else by what the environment names. The
// client is made when the first text comes, so that a graph that never embeds needs no key.

import {
  type EmbeddingClient,
  type EmbeddingEvent,
  type EmbeddingProfile,
  embeddingClient,
  MODEL_VARIABLE,
  resolveEnvironment,
  resolveProfile,
} from "../embedding/index.ts";
import { badRequest } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import type { Property } from "../schema/catalog.ts";

export class TextVectors {
  private client: EmbeddingClient | null = null;

  constructor(
    /** Null: the environment decides. */
    private readonly profile: EmbeddingProfile | null,
    private readonly ports: Ports,
    private readonly onEvent: (event: EmbeddingEvent) => void,
  ) {}

  /** The vector of a query's text, as wide as the property; throws where property and provider are of different models. */
  readonly embed = async (text: string, property: Property): Promise<Float32Array> => {
    // A client that could not be made is tried again by the next query.
    this.client ??= this.connect();
    const { scalar } = property.type;
    if (typeof scalar !== "object") throw new Error(`invariant broken: '${property.name}' is no vector`);
    requireSameModel(property, this.client.model);
    return this.client.embed(text, scalar.vector, "query");
  };

  private connect(): EmbeddingClient {
    const { profile, ports, onEvent } = this;
    if (profile !== null) return embeddingClient(resolveProfile(profile, ports.env), ports, onEvent);
    const { config, overridden } = resolveEnvironment(ports.env);
    if (overridden !== null) {
      const error = `OMNIGRAPH_EMBEDDINGS_MOCK overrides provider '${overridden}': its vectors are mock vectors`;
      onEvent({ level: "warn", fields: { provider: config.provider, model: config.model, error } });
    }
    return embeddingClient(config, ports, onEvent);
  }
}

/** Vectors of different models lie in different spaces: their distances say nothing. */
function requireSameModel({ name, embed }: Property, model: string): void {
  const recorded = embed?.model ?? null;
  if (recorded === null || recorded === model) return;
  throw badRequest(
    `property '${name}' holds vectors of model '${recorded}', and the embedding provider would embed the query with model '${model}'; set ${MODEL_VARIABLE} (or the model of the graph's embedding provider) to '${recorded}'`,
  );
}
