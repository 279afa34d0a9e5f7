// A server without a socket: the app over a service that the test describes.

import type { Hono } from "hono";
import { systemPorts } from "../../../src/lib/ports.ts";
import { compileBundle } from "../../../src/policy/index.ts";
import { createAdmission } from "../../../src/server/admission.ts";
import { createApp } from "../../../src/server/app.ts";
import { createAuthenticator } from "../../../src/server/auth.ts";
import { createLogger } from "../../../src/server/log.ts";
import type { ServedGraph } from "../../../src/server/service.ts";
import { parseStoredQueries } from "../../../src/server/stored-queries.ts";
import { createStreamSlots } from "../../../src/server/streams.ts";
import { type FakeGraph, fakeGraph } from "./fake-graph.ts";

export interface TestServerOptions {
  /** actor -> token; none makes an open server. */
  readonly tokens?: Readonly<Record<string, string>>;
  /** Bundle text by graph id. */
  readonly policies?: Readonly<Record<string, string>>;
  readonly clusterPolicy?: string;
  /** Source by name, for `harbor`. */
  readonly queries?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestServer {
  readonly app: Hono;
  readonly harbor: FakeGraph;
  readonly logged: () => string;
  /** Sends JSON (or what `init` says) as the holder of `token`. */
  readonly send: (method: string, path: string, options?: SendOptions) => Promise<Response>;
}

export interface SendOptions {
  readonly token?: string;
  readonly json?: unknown;
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server with the graphs `harbor` and `notes`. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const lines: string[] = [];
  const ports = { ...systemPorts(), env: options.env ?? {} };
  const log = createLogger(ports, (text) => lines.push(text));
  const tokens = Object.entries(options.tokens ?? {}).map(([actor, token]) => ({ actor, token }));
  const harbor = fakeGraph();
  const served = async (id: string, graph: FakeGraph): Promise<ServedGraph> => {
    const policy = options.policies?.[id];
    return {
      id,
      uri: graph.uri,
      graph,
      gate: policy === undefined ? null : await compileBundle(policy, { kind: "graph", graphId: id }),
      queries: parseStoredQueries(new Map(Object.entries(id === "harbor" ? (options.queries ?? {}) : {}))),
    };
  };
  const app = createApp({
    ports,
    log,
    authenticator: tokens.length === 0 ? null : createAuthenticator(tokens),
    serverGate:
      options.clusterPolicy === undefined
        ? null
        : await compileBundle(options.clusterPolicy, { kind: "server" }),
    graphs: new Map([
      ["notes", await served("notes", fakeGraph("memory://notes"))],
      ["harbor", await served("harbor", harbor)],
    ]),
    admission: createAdmission(ports, log),
    exports: createStreamSlots(ports),
  });
  return {
    app,
    harbor,
    logged: () => {
      log.flush();
      return lines.join("");
    },
    send: async (method, path, { token, json, body, headers } = {}) => {
      const text = json === undefined ? body : JSON.stringify(json);
      const sent = new Headers(json === undefined ? {} : { "content-type": "application/json" });
      if (token !== undefined) sent.set("authorization", `Bearer ${token}`);
      for (const [name, value] of Object.entries(headers ?? {})) sent.append(name, value);
      return await app.request(path, { method, headers: sent, body: text });
    },
  };
}

/** The error envelope of an answer that is not a success. */
export async function envelope(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}
