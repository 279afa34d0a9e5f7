// A provider on this machine: answers what a test says, and remembers what it was asked.

export interface Asked {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Answers one request; `attempt` counts from 1. */
export type Answer = (attempt: number) => Response | Promise<Response>;

export class FakeProvider {
  readonly asked: Asked[] = [];
  private readonly server;

  constructor(answer: Answer) {
    this.server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        this.asked.push({
          path: new URL(request.url).pathname,
          headers: Object.fromEntries(request.headers),
          body: await request.json(),
        });
        return answer(this.asked.length);
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.server.port}/v1`;
  }

  stop(): Promise<void> {
    return this.server.stop(true);
  }
}

/** The answer of an OpenAI-like provider. */
export const openaiAnswer = (vector: unknown) => Response.json({ data: [{ index: 0, embedding: vector }] });
