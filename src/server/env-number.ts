// Numbers of the environment.

import type { Ports } from "../lib/ports.ts";
import type { Logger } from "./log.ts";

/** A whole number of at most `max`; what is none is warned about, and ignored. */
export function envNumber<T extends number | undefined>(
  ports: Ports,
  log: Logger,
  env: string,
  fallback: T,
  max: number,
): number | T {
  const value = ports.env[env]?.trim();
  if (value === undefined || value === "") return fallback;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number <= max) return number;
  log.log("warn", "invalid env value, using default", { env, value, default: fallback ?? "none" });
  return fallback;
}
