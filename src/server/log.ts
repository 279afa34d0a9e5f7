// Structured lines for operators: `<time> <LEVEL> <message> key=value ...`. Lines gather for a moment and are written
// in one piece, because a busy server logs several of them per request.

import type { Ports } from "../lib/ports.ts";
import { LOG_BUFFER_CHARACTERS, LOG_FLUSH_MS } from "./limits.ts";

const LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LEVELS)[number];

/** Parts of the server that `OMNIGRAPH_LOG=target=level` can turn up or down. */
export type LogTarget = "server" | "http" | "policy";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  /** Ask before building the fields of a line that is usually off. */
  readonly enabled: (level: LogLevel, target?: LogTarget) => boolean;
  readonly log: (level: LogLevel, message: string, fields?: LogFields, target?: LogTarget) => void;
  /** Writes what has gathered. */
  readonly flush: () => void;
}

interface Filter {
  readonly base: number;
  readonly targets: ReadonlyMap<string, number>;
  /** Parts of the text that say nothing we know. */
  readonly unknown: readonly string[];
}

/** A logger that follows the filter text of OMNIGRAPH_LOG (`level` or `target=level,...`; `info` when unset). */
export function createLogger(ports: Ports, write: (text: string) => void): Logger {
  const text = ports.env.OMNIGRAPH_LOG?.trim() || "info";
  const filter = parseFilter(text);
  let held: string[] = [];
  let heldCharacters = 0;
  let flushing = false;

  const flush = () => {
    if (held.length === 0) return;
    const lines = held.join("");
    held = [];
    heldCharacters = 0;
    write(lines);
  };
  const flushSoon = () => {
    if (flushing) return;
    flushing = true;
    void ports.sleep(LOG_FLUSH_MS).then(() => {
      flushing = false;
      flush();
    });
  };

  const enabled = (level: LogLevel, target: LogTarget = "server") =>
    LEVELS.indexOf(level) <= (filter.targets.get(target) ?? filter.base);
  const log: Logger["log"] = (level, message, fields = {}, target = "server") => {
    if (!enabled(level, target)) return;
    const line = formatLine(ports.now(), level, message, fields);
    held.push(line);
    heldCharacters += line.length;
    if (level === "error" || level === "warn" || heldCharacters > LOG_BUFFER_CHARACTERS) flush();
    else flushSoon();
  };
  if (filter.unknown.length > 0) {
    log("warn", "invalid env value, using default", { env: "OMNIGRAPH_LOG", value: text, default: "info" });
  }
  return { enabled, log, flush };
}

function parseFilter(text: string): Filter {
  let base = LEVELS.indexOf("info");
  const targets = new Map<string, number>();
  const unknown: string[] = [];
  for (const part of text.split(",").map((piece) => piece.trim())) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const level = levelNumber(part.slice(equals + 1));
    if (level === null) unknown.push(part);
    else if (equals < 0) base = level;
    else targets.set(part.slice(0, equals).trim(), level);
  }
  return { base, targets, unknown };
}

/** `off` is below every level; `trace` is what we have of it. */
function levelNumber(word: string): number | null {
  const level = word.trim().toLowerCase();
  if (level === "off") return -1;
  if (level === "trace") return LEVELS.length - 1;
  const index = (LEVELS as readonly string[]).indexOf(level);
  return index < 0 ? null : index;
}

const PLAIN_VALUE = /^[^\s"=]+$/;

function formatLine(now: number, level: LogLevel, message: string, fields: LogFields): string {
  let line = `${new Date(now).toISOString()} ${level.toUpperCase().padEnd(5)} ${oneLine(message)}`;
  for (const key in fields) {
    const value = fields[key];
    if (value === undefined || value === null) continue;
    const text = String(value);
    line += ` ${key}=${PLAIN_VALUE.test(text) ? text : JSON.stringify(text)}`;
  }
  return `${line}\n`;
}

/** One record is one line, whatever a message carries. */
function oneLine(message: string): string {
  return message.includes("\n") ? message.replaceAll("\n", "\\n") : message;
}
