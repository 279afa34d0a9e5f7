// `healthcheck`: whether a server answers; a container image's own health check.

import { fetchHealth } from "../../client/index.ts";
import { badRequest } from "../../lib/errors.ts";
import type { Context } from "../context.ts";
import { parseDuration } from "../duration.ts";
import { flagValue, type Invocation } from "../parse.ts";

const DEFAULT_TIMEOUT = "3s";
const DEFAULT_PORT = "8080";

export async function healthcheck(context: Context, invocation: Invocation): Promise<number> {
  const seconds = parseDuration(flagValue(invocation, "timeout") ?? DEFAULT_TIMEOUT);
  if (seconds === 0) throw badRequest("--timeout must be longer than zero");
  const url = flagValue(invocation, "url") ?? localUrl(context.io.ports.env.OMNIGRAPH_BIND);
  if (!/^https?:\/\//i.test(url)) throw badRequest(`--url must be an http(s):// URL, not '${url}'`);
  await fetchHealth(url, seconds * 1000);
  return 0;
}

/** The server of this machine: the bound port, with an unspecified host read as loopback. */
function localUrl(bind: string | undefined): string {
  const match = /^(.*):(\d+)$/.exec((bind ?? "").trim());
  const host = match?.[1] ?? "";
  const port = match?.[2] ?? DEFAULT_PORT;
  if (host === "" || host === "0.0.0.0") return `http://127.0.0.1:${port}`;
  return host === "[::]" ? `http://[::1]:${port}` : `http://${host}:${port}`;
}
