// The socket: bind, hand requests to the app, and stop without cutting anybody off.

import { badRequest } from "../lib/errors.ts";

export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

export interface Listener {
  /** `host:port` as it was bound, IPv6 in brackets. */
  readonly address: string;
  readonly port: number;
  /** Refuses new connections and resolves when the last request in flight has its whole answer. */
  readonly stop: () => Promise<void>;
  /** Requests that have no whole answer yet. */
  readonly inFlight: () => number;
  /** Ends every connection, wherever its request stands. */
  readonly cut: () => Promise<void>;
}

const PORT_MAX = 65_535;

/** Reads `host:port`; an IPv6 host stands in brackets. */
export function parseBind(bind: string): BindAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(bind.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > PORT_MAX) {
    throw badRequest(`invalid bind address '${bind}': expected host:port, such as 127.0.0.1:8080 or [::1]:0`);
  }
  return { host, port };
}

const TOO_LARGE = 413;

/**
 * An answer that does not wait for the end of the body closes the connection: its client may never send the rest, and what
 * waits for that would keep the server from stopping.
 */
function closedIfUnread(request: Request, response: Response): Response {
  const { headers } = request;
  const hasBody = headers.has("transfer-encoding") || Number(headers.get("content-length")) > 0;
  const wasCutShort = !request.bodyUsed || response.status === TOO_LARGE;
  if (hasBody && wasCutShort) response.headers.set("connection", "close");
  return response;
}

/** Binds and serves. */
export function listen(
  { host, port }: BindAddress,
  fetch: (request: Request) => Response | Promise<Response>,
): Listener {
  const server = bound(host, port, fetch);
  const boundHost = server.hostname ?? host;
  const boundPort = server.port ?? port;
  return {
    address: `${boundHost.includes(":") ? `[${boundHost}]` : boundHost}:${boundPort}`,
    port: boundPort,
    stop: () => server.stop(),
    inFlight: () => server.pendingRequests,
    cut: () => server.stop(true),
  };
}

function bound(host: string, port: number, fetch: (request: Request) => Response | Promise<Response>) {
  try {
    return Bun.serve({
      hostname: host,
      port,
      fetch: async (request) => closedIfUnread(request, await fetch(request)),
      // No error pages and no source on stderr: failures have their envelope and their log line.
      development: false,
      // Each route has its own limit and its own answer to a body over it.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      // A long query or load says nothing for a long time, and must not be taken for dead.
      idleTimeout: 0,
    });
  } catch (cause) {
    throw badRequest(`cannot listen on ${host}:${port}: ${(cause as Error).message}`);
  }
}
