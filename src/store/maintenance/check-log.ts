// One log from its checkpoints and entries: what of it cannot be read, and which commits that takes along. A state is sound
// for a type where some checkpoint and the entries since are; a checkpoint that is not, over entries that are, is derived.

import type { StableId } from "../../schema/catalog.ts";
import { readBundle } from "../bundle.ts";
import { genesisCheckpoint } from "../checkpoint.ts";
import { readCheckpoint } from "../checkpoint-read.ts";
import type { GraphContext } from "../context.ts";
import { type DecodedEntry, decodeEntry } from "../entry.ts";
import { bundleKey, checkpointKey, logKey } from "../layout.ts";
import { logOwner } from "../lineage.ts";
import { missingEntry, withDeletes } from "../log-read.ts";
import { typeDifference } from "../state-difference.ts";
import { damaged } from "../stored-json.ts";
import { tailChanges } from "../type-state.ts";
import type { BranchId, BranchRef, Checkpoint, CommitRecord, LoggedCommit, LogPlace } from "../types.ts";
import { attempt, type ObjectChecks, type Problem } from "./object-checks.ts";
import { Soundness } from "./soundness.ts";
import { joined, type Span } from "./versions.ts";

/** States that should be readable: from a checkpoint (0 for genesis) by the entries after it. */
export interface CheckedRange {
  readonly checkpoint: number;
  /** Where that checkpoint is damaged, one from here on will do, with the entries after it. */
  readonly oldest: number;
  readonly to: number;
  /** Position of the first state that counts: where a log was forked, what came before is the other log's. */
  readonly from: number;
  /** Versions whose states count; commits of other logs never do. */
  readonly first: number;
  readonly last: number;
}

export interface CheckedLog {
  readonly log: BranchId;
  /** A branch whose history holds the log. */
  readonly ref: BranchRef;
  /** Where checkpoints of that history are, or should be. */
  readonly checkpoints: ReadonlySet<number>;
  readonly ranges: readonly CheckedRange[];
}

/** Something wrong, and the commits whose states it takes along. */
export interface Damage {
  /** Null: every type. */
  readonly type: StableId | null;
  readonly problem: Problem;
  readonly commits: CommitRecord[];
  /** Of an entry that cannot be read nobody knows the commits, but what came before them; null for any other damage. */
  readonly lostAfter: CommitRecord | null;
}

/** A checkpoint, or the bundle of entries that led to it, that is lost or wrong, and could be made again. */
export interface DerivedDamage {
  readonly kind: "checkpoint" | "bundle";
  readonly place: LogPlace;
  /** Null: as a whole. */
  readonly type: StableId | null;
  readonly problem: Problem;
}

export interface LogVerdict {
  readonly damages: readonly Damage[];
  readonly derived: readonly DerivedDamage[];
  /** At the end of the log. */
  readonly head: Soundness;
  /** The newest commit that was checked at which a type can be read; null where there is none. */
  readonly lastSound: (type: StableId) => CommitRecord | null;
  /** Versions whose states cannot be read, those of commits that nobody knows any more included. */
  readonly lost: readonly Span[];
  /** Whether nobody can follow the log to its end: an entry before it, or the schema there, cannot be read. */
  readonly endsInHole: boolean;
  /** The newest commit that can be reached; null where even the beginning is lost. */
  readonly lastReached: CommitRecord | null;
  /** Of the newest commit whose schema can be read; null where there is none. */
  readonly schemaDigest: string | null;
}

export async function checkLog(
  context: GraphContext,
  checks: ObjectChecks,
  checked: CheckedLog,
): Promise<LogVerdict> {
  const check = new LogCheck(context, checks, checked);
  for (const range of checked.ranges) await check.range(range);
  return check.verdict();
}

/** What a replay starts from, and the types that are sound there. */
interface Base {
  readonly checkpoint: Checkpoint;
  readonly isSound: (type: StableId) => boolean;
}

class LogCheck {
  private readonly damages = new Map<string, Damage>();
  private readonly derived: DerivedDamage[] = [];
  private readonly met = new Set<StableId>();
  private readonly soundTypes = new Map<StableId, CommitRecord>();
  private soundRest: CommitRecord | null = null;
  private lastBeforeHole: CommitRecord | null = null;
  private hasHole = false;
  private schemaDigest: string | null = null;
  private isHeadSchemaLost = false;
  /** What was replaced before the first of its states that counts may lack its Blobs, for cleanup took them. */
  private counted: Pick<CheckedRange, "from" | "first"> = { from: 0, first: 0 };
  /** Version at `from`; null before it was met. */
  private forkVersion: number | null = null;

  private readonly missing: Span[] = [];
  private soundness = new Soundness();
  /** The commit right before; null behind a hole. */
  private previous: CommitRecord | null = null;
  /** The newest commit that was met. */
  private known: CommitRecord | null = null;
  private base: Base | null = null;
  private tail: LoggedCommit[] = [];

  constructor(
    private readonly context: GraphContext,
    private readonly checks: ObjectChecks,
    private readonly checked: CheckedLog,
  ) {}

  async range(range: CheckedRange): Promise<void> {
    this.counted = range;
    this.forkVersion = null;
    const base = await this.begin(range);
    for (let position = base + 1; position <= range.to; position++) {
      const place = { branch: logOwner(this.checked.ref, position), position };
      const { value: entry, problem } = await attempt(() => this.read(place));
      if (entry !== null) await this.entry(range, entry);
      else await this.lose(position, problem);
    }
  }

  verdict(): LogVerdict {
    return {
      damages: [...this.damages.values()],
      derived: this.derived,
      head: this.soundness,
      lastSound: (type) => this.soundTypes.get(type) ?? (this.met.has(type) ? null : this.soundRest),
      lost: joined([...this.missing, ...[...this.damages.values()].flatMap(lostVersions)]),
      endsInHole: this.hasHole || this.isHeadSchemaLost,
      lastReached: this.hasHole ? this.lastBeforeHole : this.previous,
      schemaDigest: this.schemaDigest,
    };
  }

  /** Answers the position from which entries are read. */
  private async begin(range: CheckedRange): Promise<number> {
    const base = await this.baseOf(range);
    this.soundness = new Soundness();
    this.hasHole = false;
    const { value: checkpoint, problem } = await attempt(() => this.checkpointAt(base));
    if (checkpoint === null) {
      this.soundness.spoil(problem);
      this.previous = null;
      this.hole();
      this.damage(null, problem, null);
      return base;
    }
    await this.takeOver(checkpoint);
    this.previous = checkpoint.head;
    this.known = checkpoint.head;
    this.note(range, checkpoint.head, await this.checks.schema(checkpoint.head.schemaDigest));
    return base;
  }

  /** The newest checkpoint that a range can begin with and that is sound, else the one that it should begin with. */
  private async baseOf({ checkpoint, oldest }: CheckedRange): Promise<number> {
    const older = [...this.checked.checkpoints, 0].filter((at) => oldest <= at && at < checkpoint);
    for (const position of [checkpoint, ...older.sort((a, b) => b - a)]) {
      const { value } = await attempt(() => this.checkpointAt(position));
      if (value === null) continue;
      await this.takeOver(value);
      if (this.soundness.isSound) return position;
    }
    return checkpoint;
  }

  private standOn(checkpoint: Checkpoint): void {
    const sound = new Set(this.soundness.met().filter((type) => this.soundness.of(type) === null));
    this.base = { checkpoint, isSound: (type) => sound.has(type) || !checkpoint.types.has(type) };
    this.tail = [];
  }

  private async read(place: LogPlace): Promise<DecodedEntry> {
    const { objects } = this.context;
    const key = logKey(place.branch, place.position);
    const stored = await objects.storage.get(key);
    if (stored === null) throw missingEntry(objects, place);
    return decodeEntry(objects.address(key), stored.bytes, place);
  }

  /** An entry cannot be read: no type is known to be whole until a checkpoint or a replacement comes. */
  private async lose(position: number, problem: Problem): Promise<void> {
    this.soundness.spoil(problem);
    this.hole();
    // Its commits are not known: what is known is that there were some.
    this.damage(null, problem, null, this.known);
    if (!this.checked.checkpoints.has(position)) return;
    const { value: checkpoint } = await attempt(() => this.checkpointAt(position));
    if (checkpoint === null) return;
    await this.takeOver(checkpoint);
    this.damage(null, problem, checkpoint.head);
    this.skipTo(checkpoint.head.version);
    this.previous = checkpoint.head;
    this.known = checkpoint.head;
  }

  private hole(): void {
    if (!this.hasHole) this.lastBeforeHole = this.previous;
    this.hasHole = true;
    this.previous = null;
    this.base = null;
  }

  /** Versions between the last commit that is known and this one belong to commits that nobody knows any more. */
  private skipTo(version: number): void {
    if (this.known !== null && this.known.version + 1 < version)
      this.missing.push([this.known.version + 1, version - 1]);
  }

  /** Goes on from what a checkpoint says, whatever came before. */
  private async takeOver(checkpoint: Checkpoint): Promise<void> {
    if (checkpoint.position === this.counted.from) this.forkVersion = checkpoint.head.version;
    for (const type of this.soundness.met()) this.soundness.set(type, null);
    for (const [type, state] of checkpoint.types)
      this.soundness.set(type, await this.checks.typeState(state, this.isNeeded(checkpoint.head)));
    this.soundness.settleRest();
    this.standOn(checkpoint);
    this.hasHole = false;
  }

  private async entry(range: CheckedRange, { position, commits, closed }: DecodedEntry): Promise<void> {
    if (closed !== null) return;
    if (position === this.counted.from) this.forkVersion = commits.at(-1)?.record.version ?? null;
    for (const [i, { record, changes }] of commits.entries()) {
      this.follow(record);
      const schema = await this.checks.schema(record.schemaDigest);
      for (const stored of changes) {
        const { type, replaced } = stored.changes;
        const problem = await this.checks.changes(stored, this.isAfterFirst(record));
        this.soundness.set(type, replaced ? problem : (this.soundness.of(type) ?? problem));
      }
      const whole = await attempt(async () => ({
        record,
        changes: await Promise.all(changes.map((stored) => withDeletes(this.context.objects, stored))),
      }));
      if (whole.value === null) this.base = null;
      else this.tail.push(whole.value);
      if (this.isNeeded(record) && !this.isAfterFirst(record)) await this.blobsOfFirst();
      if (i === commits.length - 1 && this.checked.checkpoints.has(position))
        await this.checkpoint(position, record);
      this.note(range, record, schema);
    }
  }

  /** The Blobs of the oldest state that counts, where it does not stand in a checkpoint. */
  private async blobsOfFirst(): Promise<void> {
    const { base, tail, soundness } = this;
    if (base === null) return;
    for (const type of soundness.met()) {
      if (soundness.of(type) !== null) continue;
      const state = base.checkpoint.types.get(type) ?? null;
      soundness.set(type, await this.checks.blobsAfter(state, tailChanges({ tail }, type)));
    }
  }

  private isNeeded({ version, position }: CommitRecord): boolean {
    const { from, first } = this.counted;
    return version >= first && (position > from || version === this.forkVersion);
  }

  private isAfterFirst({ version, position }: CommitRecord): boolean {
    return version > this.counted.first && position > this.counted.from;
  }

  private follow(record: CommitRecord): void {
    const { previous } = this;
    if (previous === null) this.skipTo(record.version);
    this.previous = record;
    this.known = record;
    if (previous === null || (record.parent === previous.id && record.version === previous.version + 1))
      return;
    const address = this.context.objects.address(logKey(record.branch, record.position));
    const found = damaged(
      address,
      `commit ${record.id} does not follow ${previous.id}, which comes before it`,
    );
    const problem = { text: found.message, isUnreadable: false };
    this.previous = previous;
    this.hole();
    this.previous = record;
    this.soundness.spoil(problem);
  }

  /** Compares a checkpoint with the replay up to it; where that is not to be had, the checkpoint helps out. */
  private async checkpoint(position: number, record: CommitRecord): Promise<void> {
    const place = { branch: record.branch, position };
    await this.bundle(place);
    const { value: checkpoint, problem } = await attempt(() => this.checkpointAt(position));
    if (checkpoint === null) {
      this.derived.push({ kind: "checkpoint", place, type: null, problem });
      return;
    }
    if (checkpoint.head.id !== record.id) {
      const text = `checkpoint ${position} ends with commit ${checkpoint.head.id} where the log has ${record.id}`;
      this.derived.push({ kind: "checkpoint", place, type: null, problem: { text, isUnreadable: false } });
      return;
    }
    const unlike = this.unlikeHistory(checkpoint);
    if (unlike !== null) {
      this.derived.push({ kind: "checkpoint", place, type: null, problem: unlike });
      return;
    }
    const wrong = new Set<StableId>();
    for (const type of new Set([...this.soundness.met(), ...checkpoint.types.keys()])) {
      const found = await this.compare(checkpoint, type);
      const isSound = this.soundness.of(type) === null;
      if (found === null) this.soundness.set(type, null);
      else if (isSound) {
        wrong.add(type);
        this.derived.push({ kind: "checkpoint", place, type, problem: found });
      }
    }
    this.soundness.settleRest();
    this.standOn(checkpoint);
    this.hasHole = false;
    const { base } = this;
    if (base !== null) this.base = { checkpoint, isSound: (type) => base.isSound(type) && !wrong.has(type) };
  }

  private async bundle(place: LogPlace): Promise<void> {
    const { objects } = this.context;
    const key = bundleKey(place.branch, place.position);
    const { value: info, problem } = await attempt(() => objects.storage.head(key));
    if (problem === null && (info === null || (await readBundle(objects, this.checked.ref, place)) !== null))
      return;
    const text = `object '${objects.address(key)}' is damaged: it does not hold entries of the log`;
    this.derived.push({
      kind: "bundle",
      place,
      type: null,
      problem: problem ?? { text, isUnreadable: false },
    });
  }

  /** The commits that a checkpoint sums up, against those that it was made from. */
  private unlikeHistory(checkpoint: Checkpoint): Problem | null {
    const { base, tail } = this;
    if (base === null) return null;
    const met = new Map(
      [...base.checkpoint.history.commits, ...tail.map(({ record }) => record)].map((record) => [
        record.version,
        record,
      ]),
    );
    const wrong = checkpoint.history.commits.find((record) => {
      const known = met.get(record.version);
      return known !== undefined && !Bun.deepEquals(record, known);
    });
    if (wrong === undefined) return null;
    return {
      text: `checkpoint ${checkpoint.position} does not say of commit ${wrong.id} what the log says`,
      isUnreadable: false,
    };
  }

  private async compare(checkpoint: Checkpoint, id: StableId): Promise<Problem | null> {
    const { base, tail } = this;
    const state = checkpoint.types.get(id);
    const areBlobsNeeded = this.isNeeded(checkpoint.head);
    const found = state === undefined ? null : await this.checks.typeState(state, areBlobsNeeded);
    if (found !== null || base === null || !base.isSound(id) || this.soundness.of(id) !== null) return found;
    const { value: catalog } = await attempt(() => this.context.catalogOf(checkpoint.head.schemaDigest));
    const type = catalog?.typeById.get(id);
    if (type === undefined) return null;
    const replayed = { checkpoint: base.checkpoint, tail };
    const compared = await attempt(() =>
      typeDifference(this.context, type, replayed, { checkpoint, tail: [] }),
    );
    if (compared.problem !== null) return compared.problem;
    if (compared.value === null) return null;
    return {
      text: `checkpoint ${checkpoint.position} does not hold the rows of ${type.name} that the log has`,
      isUnreadable: false,
    };
  }

  /** Notes what of a commit's state cannot be read, and up to where every type could. */
  private note({ first, last }: CheckedRange, record: CommitRecord, schema: Problem | null): void {
    const { soundness } = this;
    for (const type of soundness.met()) this.met.add(type);
    this.isHeadSchemaLost = schema !== null;
    if (schema === null) {
      this.schemaDigest = record.schemaDigest;
      const sound = soundness.met().filter((type) => soundness.of(type) === null);
      for (const type of this.isNeeded(record) ? sound : []) this.soundTypes.set(type, record);
      if (soundness.restProblem === null) this.soundRest = record;
    }
    if (record.branch !== this.checked.log || record.version < first || record.version > last) return;
    if (schema !== null) this.damage(null, schema, record);
    if (soundness.restProblem !== null) this.damage(null, soundness.restProblem, record);
    for (const type of soundness.met()) {
      const problem = soundness.of(type);
      if (problem !== null && problem !== soundness.restProblem) this.damage(type, problem, record);
    }
  }

  private damage(
    type: StableId | null,
    problem: Problem,
    record: CommitRecord | null,
    lostAfter: CommitRecord | null = null,
  ): void {
    const key = `${type ?? ""} ${problem.text}`;
    const damage = this.damages.get(key) ?? { type, problem, commits: [], lostAfter };
    this.damages.set(key, damage);
    if (record !== null) damage.commits.push(record);
  }

  private async checkpointAt(position: number): Promise<Checkpoint> {
    if (position === 0) return genesisCheckpoint(this.context.graph.genesis);
    const place = { branch: logOwner(this.checked.ref, position), position };
    const checkpoint = await readCheckpoint(this.context, this.checked.ref, place);
    if (checkpoint !== null) return checkpoint;
    const key = checkpointKey(place.branch, position);
    throw damaged(this.context.objects.address(key), "the checkpoint is missing");
  }
}

/** Versions that damage takes for good; what could not be read may be there another time. */
const lostVersions = ({ problem, commits }: Damage): Span[] =>
  problem.isUnreadable ? [] : commits.map(({ version }): Span => [version, version]);
