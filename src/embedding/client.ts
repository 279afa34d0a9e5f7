// Text to vector, from whichever provider: asked again where that may help, never for longer than the deadline, and
// checked before anybody sees the vector.

import { OmnigraphError } from "../lib/errors.ts";
import { stringifyJson } from "../lib/json.ts";
import type { Ports } from "../lib/ports.ts";
import { BACKOFF_DOUBLINGS_MAX, CACHED_VECTORS_MAX } from "./limits.ts";
import { mockVector } from "./mock.ts";
import { normalized } from "./normalize.ts";
import type { EmbeddingConfig } from "./profile.ts";
import { type Patience, readPatience } from "./settings.ts";
import {
  type EmbeddingRole,
  errorText,
  MissingItem,
  vectorIn,
  type WireRequest,
  wireRequest,
} from "./wire.ts";

/** What operators may want to know of a call. Says nothing of the text, nor of the key. */
export interface EmbeddingEvent {
  readonly level: "info" | "warn";
  readonly fields: Readonly<Record<string, string | number>>;
}

export interface EmbeddingClient {
  readonly model: string;
  /** The vector of a text, of unit length. Throws OmnigraphError. */
  embed(text: string, width: number, role: EmbeddingRole): Promise<Float32Array>;
}

export function embeddingClient(
  config: EmbeddingConfig,
  ports: Ports,
  onEvent: (event: EmbeddingEvent) => void = () => undefined,
): EmbeddingClient {
  const client = new Client(config, ports, readPatience(ports.env), onEvent);
  return { model: config.model, embed: (text, width, role) => client.embed(text, width, role) };
}

/** How an attempt went wrong, and whether another may go better. */
class FailedAttempt extends Error {
  constructor(
    message: string,
    readonly mayRecover: boolean,
    /** What the provider asks to wait, in milliseconds. */
    readonly retryAfterMs = 0,
  ) {
    super(message);
  }
}

class Client {
  /** Of recent query texts, least recently used first. */
  private readonly cache = new Map<string, Float32Array>();

  constructor(
    private readonly config: EmbeddingConfig,
    private readonly ports: Ports,
    private readonly patience: Patience,
    private readonly onEvent: (event: EmbeddingEvent) => void,
  ) {}

  async embed(text: string, width: number, role: EmbeddingRole): Promise<Float32Array> {
    if (width === 0) throw failure("embedding dimension must be greater than zero");
    if (this.config.wire === "mock") return mockVector(text, width);
    const key = `${role} ${width} ${text}`;
    const known = this.cache.get(key);
    if (known !== undefined) {
      this.remember(key, known);
      return known;
    }
    const vector = await this.observed(text, width, role);
    if (role === "query") this.remember(key, vector);
    return vector;
  }

  private remember(key: string, vector: Float32Array): void {
    this.cache.delete(key);
    this.cache.set(key, vector);
    for (const oldest of this.cache.keys()) {
      if (this.cache.size <= CACHED_VECTORS_MAX) break;
      this.cache.delete(oldest);
    }
  }

  private async observed(text: string, width: number, role: EmbeddingRole): Promise<Float32Array> {
    const { provider, model } = this.config;
    const began = this.ports.now();
    const told = (outcome: string) => ({
      provider,
      model,
      dim: width,
      elapsed_ms: this.ports.now() - began,
      outcome,
    });
    try {
      const vector = await this.withinDeadline(text, width, role);
      this.onEvent({ level: "info", fields: told("ok") });
      return vector;
    } catch (error) {
      const message = this.withoutKey(messageOf(error));
      this.onEvent({ level: "warn", fields: { ...told("error"), error: message } });
      throw failure(message);
    }
  }

  /** A provider may repeat the key that it refuses. */
  private withoutKey(message: string): string {
    return message.replaceAll(this.config.apiKey, "***");
  }

  private async withinDeadline(text: string, width: number, role: EmbeddingRole): Promise<Float32Array> {
    const { deadlineMs } = this.patience;
    const deadline = deadlineMs === null ? null : AbortSignal.timeout(deadlineMs);
    const request = wireRequest(this.config, text, width, role);
    const endsAt = deadlineMs === null ? Number.POSITIVE_INFINITY : this.ports.now() + deadlineMs;
    for (let attempt = 1; ; attempt++) {
      try {
        return checked(await this.attempt(request, deadline), width);
      } catch (error) {
        if (deadline?.aborted === true) throw this.tooLate();
        if (!(error instanceof FailedAttempt) || !error.mayRecover || attempt >= this.patience.attempts)
          throw error;
        const { provider, model } = this.config;
        const fields = { provider, model, attempt, error: this.withoutKey(error.message) };
        this.onEvent({ level: "warn", fields });
        // What the provider asks for is waited where that ends in time.
        const asked = this.ports.now() + error.retryAfterMs < endsAt ? error.retryAfterMs : 0;
        await this.wait(Math.max(this.backoffMs(attempt), asked), deadline);
      }
    }
  }

  private tooLate(): Error {
    const { provider, model } = this.config;
    const after = `embedding deadline exceeded after ${this.patience.deadlineMs} ms`;
    return new Error(`${after} (provider '${provider}', model '${model}')`);
  }

  private backoffMs(attempt: number): number {
    return this.patience.backoffMs * 2 ** Math.min(attempt - 1, BACKOFF_DOUBLINGS_MAX);
  }

  private async wait(ms: number, deadline: AbortSignal | null): Promise<void> {
    if (deadline === null) return this.ports.sleep(ms);
    const passed = Promise.withResolvers<void>();
    const stop = () => passed.reject(this.tooLate());
    deadline.addEventListener("abort", stop, { once: true });
    void this.ports.sleep(ms).then(passed.resolve);
    await passed.promise.finally(() => deadline.removeEventListener("abort", stop));
  }

  private async attempt(
    request: WireRequest,
    deadline: AbortSignal | null,
  ): Promise<Float32Array<ArrayBuffer>> {
    const timeout = AbortSignal.timeout(this.patience.timeoutMs);
    const failed = (error: unknown): FailedAttempt => {
      const late = `no answer within ${this.patience.timeoutMs} ms`;
      return new FailedAttempt(
        `embedding request failed: ${timeout.aborted ? late : messageOf(error)}`,
        true,
      );
    };
    const signal = deadline === null ? timeout : AbortSignal.any([timeout, deadline]);
    const response = await send(request, signal).catch((error: unknown) => {
      throw failed(error);
    });
    const { status } = response;
    const mayRecover = status === 429 || status >= 500;
    const body = await response.text().catch((error: unknown) => {
      if (timeout.aborted) throw failed(error);
      throw new FailedAttempt(`embedding response read failed (status ${status})`, mayRecover);
    });
    if (!response.ok) {
      const message = `embedding request failed with status ${status}: ${errorText(body)}`;
      throw new FailedAttempt(message, mayRecover, retryAfterMs(response));
    }
    try {
      return vectorIn(this.config.wire, body);
    } catch (error) {
      if (error instanceof MissingItem) throw error;
      throw new Error(`embedding response decode failed: ${messageOf(error)}`);
    }
  }
}

function send({ url, headers, body }: WireRequest, signal: AbortSignal): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: stringifyJson(body),
    // The key belongs to the host that was configured.
    redirect: "manual",
    signal,
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const failure = (message: string) => new OmnigraphError("internal", message);

function retryAfterMs({ headers }: Response): number {
  const seconds = Number(headers.get("Retry-After") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
}

/** The checks that every vector of a real provider has to pass; what fails them would fail them again. */
function checked(vector: Float32Array<ArrayBuffer>, width: number): Float32Array {
  if (vector.length !== width) {
    throw new Error(`embedding dimension mismatch: expected ${width}, got ${vector.length}`);
  }
  const strange = vector.findIndex((component) => !Number.isFinite(component));
  if (strange !== -1) throw new Error(`embedding component ${strange} is not finite`);
  const unit = normalized(vector);
  if (unit === null) throw new Error("the embedding has zero norm");
  return unit;
}
