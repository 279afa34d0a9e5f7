// The tokens of servers: a small text file beside the operator config, and the environment. A token goes only to the
// server that it was stored for.

import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { badRequest } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import { type OperatorConfig, operatorDirectory } from "./config.ts";

const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;
const GROUP_AND_OTHERS = 0o077;

/** Where `credentials` stands; refused where this process has no home. */
export function credentialsPath(ports: Ports): string {
  const directory = operatorDirectory(ports);
  if (directory === null) {
    throw badRequest("there is no home directory for credentials; set OMNIGRAPH_HOME to a directory");
  }
  return `${directory}/credentials`;
}

/** The name of the server whose URL covers this one: the longest that is equal to it or a prefix at a `/`. */
export function serverOfUrl(servers: ReadonlyMap<string, string>, url: string): string | null {
  let best: { name: string; length: number } | null = null;
  const target = trimSlash(url);
  for (const [name, declared] of servers) {
    const base = trimSlash(declared);
    const covers = target === base || target.startsWith(`${base}/`);
    if (covers && base.length > (best?.length ?? 0)) best = { name, length: base.length };
  }
  return best?.name ?? null;
}

/** The token of a request to a base URL, or null for none. */
export async function tokenForUrl(ports: Ports, config: OperatorConfig, url: string): Promise<string | null> {
  const name = serverOfUrl(config.servers, url);
  if (name !== null) {
    const keyed = ports.env[`OMNIGRAPH_TOKEN_${name.toUpperCase().replaceAll("-", "_")}`]?.trim();
    if (keyed !== undefined && keyed !== "") return keyed;
    const stored = await storedToken(ports, name);
    if (stored !== null) return stored;
  }
  const shared = ports.env.OMNIGRAPH_BEARER_TOKEN?.trim();
  return shared === undefined || shared === "" ? null : shared;
}

async function storedToken(ports: Ports, server: string): Promise<string | null> {
  if (operatorDirectory(ports) === null) return null;
  const text = await readPrivately(credentialsPath(ports));
  if (text === null) return null;
  let inSection = false;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    const section = sectionName(line);
    if (section !== null) inSection = section === server;
    else if (inSection && !line.startsWith("#")) {
      const token = tokenOf(line);
      if (token !== null) return token;
    }
  }
  return null;
}

/** Stores or replaces the token of a server; every other line of the file stays as it is. */
export async function storeToken(ports: Ports, server: string, token: string): Promise<void> {
  checkServerName(server);
  const path = credentialsPath(ports);
  const { before, after } = splitAtSection((await readPrivately(path)) ?? "", server);
  const lead = before === "" || before.endsWith("\n") ? before : `${before}\n`;
  await replaceFile(path, `${lead}[${server}]\ntoken = ${token}\n${after}`);
}

/** Removes the section of a server; nothing happens where there is none. */
export async function forgetToken(ports: Ports, server: string): Promise<void> {
  checkServerName(server);
  const path = credentialsPath(ports);
  const text = await readPrivately(path);
  if (text === null) return;
  const { before, after, found } = splitAtSection(text, server);
  if (found) await replaceFile(path, before + after);
}

function checkServerName(name: string): void {
  if (name.trim() === "" || /[[\]=\r\n]/.test(name)) {
    throw badRequest(`server name '${name}' must not be empty or contain '[', ']', '=' or a line break`);
  }
}

/** The text around a section; comments inside it go to what follows, since they may belong to the next section. */
function splitAtSection(text: string, server: string): { before: string; after: string; found: boolean } {
  const lines = text.split(/(?<=\n)/);
  const start = lines.findIndex((line) => sectionName(line.trim()) === server);
  if (start === -1) return { before: text, after: "", found: false };
  const next = lines.findIndex((line, index) => index > start && sectionName(line.trim()) !== null);
  const end = next === -1 ? lines.length : next;
  const kept = lines.slice(start + 1, end).filter((line) => isCommentOrBlank(line.trim()));
  return {
    before: lines.slice(0, start).join(""),
    after: kept.join("") + lines.slice(end).join(""),
    found: true,
  };
}

const isCommentOrBlank = (line: string): boolean => line === "" || line.startsWith("#");

function sectionName(line: string): string | null {
  return line.startsWith("[") && line.endsWith("]") ? line.slice(1, -1).trim() : null;
}

function tokenOf(line: string): string | null {
  const equals = line.indexOf("=");
  if (equals === -1 || line.slice(0, equals).trim() !== "token") return null;
  const value = line.slice(equals + 1).trim();
  const quote = value[0];
  const isQuoted = value.length >= 2 && (quote === "'" || quote === '"') && value.endsWith(quote);
  const token = (isQuoted ? value.slice(1, -1) : value).trim();
  return token === "" ? null : token;
}

/** The text of the file, or null where there is none; refused while others on this machine can read it. */
async function readPrivately(path: string): Promise<string | null> {
  let mode: number;
  try {
    mode = (await stat(path)).mode;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw badRequest(`could not read credentials ${path}: ${(thrown as Error).message}`);
  }
  if (process.platform !== "win32" && (mode & GROUP_AND_OTHERS) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, "0");
    throw badRequest(
      `credentials file ${path} is group/world-accessible (mode ${octal}); run: chmod 600 ${path}`,
    );
  }
  return readFile(path, "utf8");
}

/** Writes a private temporary file and renames it over. */
async function replaceFile(path: string, text: string): Promise<void> {
  const directory = path.slice(0, path.lastIndexOf("/"));
  await mkdir(directory, { recursive: true, mode: PRIVATE_DIRECTORY });
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(unfinished, "w", PRIVATE_FILE);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(unfinished, PRIVATE_FILE);
    await rename(unfinished, path);
  } catch (thrown) {
    await rm(unfinished, { force: true });
    throw badRequest(`could not write credentials ${path}: ${(thrown as Error).message}`);
  }
}

const trimSlash = (url: string) => url.replace(/\/+$/, "");
