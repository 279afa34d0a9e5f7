// A checkpoint: the whole state at one position of a log, and a pack of commit summaries, so that neither reading nor
// listing history starts from the first entry. Derived: a lost one costs time.

import { assert } from "../lib/assert.ts";
import type { JsonObject, JsonValue } from "../lib/json.ts";
import { mergedFromJson, readMergedFrom, readOperation } from "./entry.ts";
import { instantText, readInstant } from "./instant.ts";
import { PACK_COMMITS_MAX } from "./limits.ts";
import { logOwner } from "./lineage.ts";
import { deadJson, readDeadJson, readSegment, segmentJson } from "./segment-json.ts";
import { FORMAT, StoredValue, sealedJson } from "./stored-json.ts";
import type {
  BranchRef,
  Checkpoint,
  CommitRecord,
  IdRange,
  LogPlace,
  Pack,
  PackedHistory,
  TypeState,
} from "./types.ts";

/** The state that a graph starts from: position 0 of main, where only the genesis commit is. Never stored. */
export function genesisCheckpoint(genesis: CommitRecord): Checkpoint {
  const history: PackedHistory = { commits: [genesis], earlier: [], packs: [] };
  return { branch: genesis.branch, position: 0, head: genesis, types: new Map(), history };
}

/** History after `commits` more, at a checkpoint of `position`. A pack that is full stays behind in the old checkpoint. */
export function extendHistory(base: Checkpoint, commits: readonly CommitRecord[]): PackedHistory {
  const { history, position } = base;
  if (history.commits.length < PACK_COMMITS_MAX) {
    return {
      commits: [...history.commits, ...commits],
      earlier: position === 0 ? history.earlier : [...history.earlier, position],
      packs: history.packs,
    };
  }
  const full: Pack = {
    position,
    ids: idRange(history.commits),
    firstVersion: history.commits[0].version,
    lastVersion: base.head.version,
  };
  return { commits, earlier: [], packs: [...history.packs, full] };
}

function idRange(commits: readonly CommitRecord[]): IdRange {
  let [least, greatest] = [commits[0].id, commits[0].id];
  for (const { id } of commits) {
    if (id < least) least = id;
    if (id > greatest) greatest = id;
  }
  return { least, greatest };
}

/** Commits of a pack share so much that each is a short array, with actors and schemas by number. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  const { commits, earlier, packs } = checkpoint.history;
  assert(
    commits.length > 0 && commits[commits.length - 1].id === checkpoint.head.id,
    "a pack ends with the head",
  );
  const actors = new Numbering();
  const schemas = new Numbering();
  const summaries = commits.map((commit): JsonValue => {
    const summary: JsonValue[] = [
      commit.id,
      commit.position,
      instantText(commit.authoredAt),
      commit.operation,
      schemas.of(commit.schemaDigest),
      commit.actor === null ? null : actors.of(commit.actor),
    ];
    if (commit.mergedParent !== null) {
      const place = commit.mergedFrom === null ? null : mergedFromJson(commit.mergedFrom);
      summary.push(commit.mergedParent, place, commit.generation);
    }
    return summary;
  });
  const types = [...checkpoint.types.values()].map(
    (state): JsonValue => ({
      type: state.type,
      count: state.count,
      changed_at: state.changedAt,
      segments: state.segments.map(({ segment, dead }): JsonValue => {
        const deadRows = deadJson(dead);
        return deadRows === undefined ? segmentJson(segment) : { ...segmentJson(segment), dead: deadRows };
      }),
    }),
  );
  const json: JsonObject = {
    format: FORMAT,
    branch: checkpoint.branch,
    position: checkpoint.position,
    types,
    first_version: commits[0].version,
    first_parent: commits[0].parent,
    first_generation: commits[0].generation,
    actors: actors.values,
    schemas: schemas.values,
    commits: summaries,
    earlier,
    packs: packs.map(({ position, firstVersion, lastVersion, ids }) => {
      const place = [position, firstVersion, lastVersion];
      return ids === null ? place : [...place, ids.least, ids.greatest];
    }),
  };
  return sealedJson(json);
}

/** `ref` is any branch whose history holds the place: it tells which log each commit stands in. */
export function decodeCheckpoint(
  object: string,
  bytes: Uint8Array,
  place: LogPlace,
  ref: BranchRef,
): Checkpoint {
  const stored = StoredValue.parse(object, bytes);
  if (stored.member("branch").string() !== place.branch)
    stored.member("branch").fail(`branch ${place.branch}`);
  const position = stored.member("position").integer();
  if (position !== place.position) stored.member("position").fail(`position ${place.position}`);
  const commits = readCommits(stored, ref);
  const types = stored.member("types").items().map(readType);
  return {
    ...place,
    head: commits[commits.length - 1],
    types: new Map(types.map((state) => [state.type, state])),
    history: {
      commits,
      earlier: stored.member("earlier").integers(),
      packs: stored
        .member("packs")
        .items()
        .map(
          (pack): Pack => ({
            position: pack.item(0).integer(),
            firstVersion: pack.item(1).integer(),
            lastVersion: pack.item(2).integer(),
            ids: pack.item(3).isPresent
              ? { least: pack.item(3).string(), greatest: pack.item(4).string() }
              : null,
          }),
        ),
    },
  };
}

function readCommits(stored: StoredValue, ref: BranchRef): CommitRecord[] {
  const actors = stored.member("actors").strings();
  const schemas = stored.member("schemas").strings();
  const firstVersion = stored.member("first_version").integer();
  let parent = stored.member("first_parent").stringOrNull();
  let generation = stored.member("first_generation").integer() - 1;
  const named = (texts: readonly string[], number: StoredValue): string =>
    texts[number.integer()] ?? number.fail(`a number below ${texts.length}`);
  const commits = stored
    .member("commits")
    .items()
    .map((summary, i): CommitRecord => {
      const cells = summary.array();
      // Most commits have neither: a listing looks at ten thousand.
      const isThere = (cell: number) => cells[cell] !== undefined && cells[cell] !== null;
      const position = summary.item(1).integer();
      // Without a second parent it is one more than the first parent's.
      generation = isThere(8) ? summary.item(8).integer() : generation + 1;
      const record: CommitRecord = {
        id: summary.item(0).string(),
        parent,
        mergedParent: isThere(6) ? summary.item(6).string() : null,
        mergedFrom: isThere(7) ? readMergedFrom(summary.item(7)) : null,
        actor: isThere(5) ? named(actors, summary.item(5)) : null,
        authoredAt: readInstant(summary.item(2)),
        operation: readOperation(summary.item(3)),
        version: firstVersion + i,
        generation,
        branch: logOwner(ref, position),
        position,
        schemaDigest: named(schemas, summary.item(4)),
      };
      parent = record.id;
      return record;
    });
  return commits.length > 0 ? commits : stored.member("commits").fail("at least one commit");
}

function readType(stored: StoredValue): TypeState {
  const type = stored.member("type").integer();
  const segments = stored
    .member("segments")
    .items()
    .map((item) => {
      const segment = readSegment(item, type);
      return { segment, dead: readDeadJson(item.member("dead"), segment.rows) };
    });
  return {
    type,
    count: stored.member("count").integer(),
    changedAt: stored.member("changed_at").integer(),
    segments,
  };
}

/** Numbers for texts, in the order they are met. */
class Numbering {
  readonly values: string[] = [];
  private readonly numbers = new Map<string, number>();

  of(text: string): number {
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    this.numbers.set(text, this.values.length);
    return this.values.push(text) - 1;
  }
}
