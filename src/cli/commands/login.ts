// `login` and `logout`: the token of a server in the credentials file. No server is asked.

import { badRequest } from "../../lib/errors.ts";
import type { Context } from "../context.ts";
import { credentialsPath, forgetToken, storeToken } from "../credentials.ts";
import { flagOn, flagValue, type Invocation } from "../parse.ts";

export async function login(context: Context, invocation: Invocation): Promise<number> {
  const [server] = invocation.positionals;
  const { ports, stdin, stderr } = context.io;
  let token = flagValue(invocation, "token");
  if (token === undefined) {
    if (stdin.isTerminal) await stderr.write(`token for '${server}': `);
    token = (await stdin.line()) ?? "";
  }
  token = token.trim();
  if (token === "") throw badRequest("no token provided; pass --token <token> or one line on stdin");
  const declared = (await context.config()).servers.has(server);
  await storeToken(ports, server, token);
  if (!declared) {
    await context.note(`'${server}' is not declared under servers: in the operator config`);
  }
  const path = credentialsPath(ports);
  if (flagOn(invocation, "json")) await context.printJson({ server, credentials_path: path, declared });
  else await context.print(`stored credential for '${server}' in ${path}`);
  return 0;
}

export async function logout(context: Context, invocation: Invocation): Promise<number> {
  const [server] = invocation.positionals;
  const { ports } = context.io;
  await forgetToken(ports, server);
  const path = credentialsPath(ports);
  if (flagOn(invocation, "json")) await context.printJson({ server, credentials_path: path });
  else await context.print(`removed credential for '${server}' from ${path}`);
  return 0;
}
