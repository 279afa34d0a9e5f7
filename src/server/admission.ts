// How much one actor may have in flight: a count of writes and an estimate of their bytes. Process-wide, in memory;
// taking and giving back are synchronous, so a cap of n admits exactly n.

import { OmnigraphError } from "../lib/errors.ts";
import type { Ports } from "../lib/ports.ts";
import { envNumber } from "./env-number.ts";
import { ACTOR_BYTES_MAX, ACTOR_INFLIGHT_MAX } from "./limits.ts";
import type { Logger } from "./log.ts";

/** The bucket of callers without an actor. */
const ANONYMOUS = "anonymous";

interface AdmissionLimits {
  readonly inflight: number;
  readonly bytes: number;
}

interface Usage {
  inflight: number;
  bytes: number;
}

/** One write's place. A refused ticket holds nothing; `confirm` throws its 429. */
export interface Ticket {
  readonly refusal: OmnigraphError | null;
  /** Throws where there was no room. Called once the caller is known to be allowed to write. */
  readonly confirm: () => void;
  /** Takes more bytes from the actor's budget; throws over it. */
  readonly charge: (bytes: number) => void;
}

interface HeldTicket extends Ticket {
  readonly leave: () => void;
}

export interface Admission {
  /**
   * Runs a write in its actor's place and gives the place back when it ends. Without room the work still runs up to
   * `confirm`, so that a caller who may not write learns that (403) and not how busy its actor is.
   */
  readonly admit: <T>(
    actor: string | null,
    bytes: number,
    work: (ticket: Ticket) => Promise<T>,
  ) => Promise<T>;
}

/** Admission with the caps of the environment; a value that is no number is warned about and ignored. */
export function createAdmission(ports: Ports, log: Logger): Admission {
  const limits: AdmissionLimits = {
    inflight: envNumber(ports, log, "OMNIGRAPH_PER_ACTOR_INFLIGHT_MAX", ACTOR_INFLIGHT_MAX, 2 ** 32 - 1),
    bytes: envNumber(ports, log, "OMNIGRAPH_PER_ACTOR_BYTES_MAX", ACTOR_BYTES_MAX, Number.MAX_SAFE_INTEGER),
  };
  const usages = new Map<string, Usage>();

  return {
    async admit(actor, bytes, work) {
      const ticket = enter(usages, limits, actor ?? ANONYMOUS, bytes);
      try {
        return await work(ticket);
      } catch (error) {
        if (ticket.refusal !== null && !isDenial(error)) throw ticket.refusal;
        throw error;
      } finally {
        ticket.leave();
      }
    },
  };
}

const isDenial = (error: unknown) => error instanceof OmnigraphError && error.kind === "forbidden";

function enter(
  usages: Map<string, Usage>,
  limits: AdmissionLimits,
  bucket: string,
  bytes: number,
): HeldTicket {
  const usage = usages.get(bucket) ?? { inflight: 0, bytes: 0 };
  if (usage.inflight >= limits.inflight) {
    return refusedTicket(`actor in-flight count cap ${limits.inflight} exceeded`);
  }
  const overBudget = (more: number) =>
    `actor byte budget exceeded: would use ${usage.bytes + more} bytes against cap ${limits.bytes}`;
  if (usage.bytes + bytes > limits.bytes) return refusedTicket(overBudget(bytes));

  usage.inflight++;
  usage.bytes += bytes;
  usages.set(bucket, usage);
  let held = bytes;
  return {
    refusal: null,
    confirm: () => undefined,
    charge: (more) => {
      if (usage.bytes + more > limits.bytes) throw tooMany(overBudget(more));
      usage.bytes += more;
      held += more;
    },
    leave: () => {
      usage.inflight--;
      usage.bytes -= held;
      if (usage.inflight === 0) usages.delete(bucket);
    },
  };
}

function refusedTicket(message: string): HeldTicket {
  const refusal = tooMany(message);
  return {
    refusal,
    confirm: () => {
      throw refusal;
    },
    charge: () => undefined,
    leave: () => undefined,
  };
}

const tooMany = (message: string) => new OmnigraphError("too_many_requests", message);
