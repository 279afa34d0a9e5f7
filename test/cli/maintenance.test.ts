import { afterAll, describe, expect, it } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  clusterAt,
  filesUnder,
  json,
  launch,
  PLACES,
  type Place,
  run,
  s3Server,
  shipsOf,
  succeed,
} from "./maintained.ts";
import { createWorld, type Settings } from "./support.ts";

afterAll(async () => (await s3Server()).stop());

const dataset = (type_key: string, more: object) => ({ type_key, ...more });

describe.each(Object.keys(PLACES))("maintenance of a graph at %s", (name) => {
  it("compacts, expires and checks it, and says so on one stream each", async () => {
    const place = await PLACES[name]();
    await launch(place, "A", "B", "C");
    const access = place.isLocal ? "direct, local" : "direct, remote";
    const echoed = (command: string) => `omnigraph ${command} → ${place.uri} (${access})\n`;

    expect(await run(place, ["optimize"])).toEqual({
      code: 0,
      stdout:
        `optimize ${place.uri} — 3 datasets\n` +
        "  edge type 'CallsAt': no-op\n" +
        "  node type 'Port': no-op\n" +
        "  node type 'Ship': frags 0 → 1 ✓\n" +
        "    ↳ index pending on property 'hull': property has no non-null vectors\n",
      stderr: echoed("optimize"),
    });
    const unchanged = {
      fragments_removed: 0,
      fragments_added: 0,
      committed: false,
      skipped: null,
      published_dataset_version: null,
      pending_indexes: [],
    };
    expect(await json(place, "optimize")).toEqual({
      uri: place.uri,
      datasets: [
        dataset("edge:CallsAt", unchanged),
        dataset("node:Port", unchanged),
        dataset("node:Ship", {
          ...unchanged,
          pending_indexes: [{ property: "hull", reason: "property has no non-null vectors" }],
        }),
      ],
    });

    expect(await run(place, ["repair", "--quiet"])).toEqual({
      code: 0,
      stdout:
        `repair ${place.uri} — preview mode, 3 datasets\n` +
        "  edge type 'CallsAt': no_drift, no_op\n" +
        "  node type 'Port': no_drift, no_op\n" +
        "  node type 'Ship': no_drift, no_op\n" +
        "nothing was changed; rerun with --confirm to repair what can be repaired\n",
      stderr: "",
    });
    const sound = { classification: "no_drift", action: "no_op", operations: [], error: null };
    expect(await json(place, "repair", "--confirm")).toEqual({
      uri: place.uri,
      confirm: true,
      force: false,
      graph_manifest_version: null,
      datasets: [
        dataset("edge:CallsAt", { published_dataset_version: 1, ...sound }),
        dataset("node:Port", { published_dataset_version: 1, ...sound }),
        dataset("node:Ship", { published_dataset_version: 4, ...sound }),
      ],
    });

    expect(await run(place, ["cleanup", "--keep", "2"])).toEqual({
      code: 0,
      stdout: "",
      stderr: `cleanup is destructive — rerun with --confirm. Policy for ${place.uri}: keep 2 versions\n`,
    });
    place.age();
    const before = place.keys();
    const preview = await run(place, ["cleanup", "--keep", "2", "--dry-run"]);
    expect(preview).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^cleanup \S+ \(keep 2 versions\) — would remove 2 versions \(0 bytes\) across 3 datasets\nnothing was changed; rerun with --confirm\n$/,
      ),
      stderr: echoed("cleanup"),
    });
    expect(place.keys()).toEqual(before);
    expect(await run(place, ["cleanup", "--keep", "2", "--confirm", "--yes"])).toEqual({
      code: 0,
      stdout: `cleanup ${place.uri} (keep 2 versions) — removed 2 versions (0 bytes) across 3 datasets\n`,
      stderr: echoed("cleanup"),
    });
    expect(await shipsOf(place)).toBe("A B C ");
  });
});

describe("optimize", () => {
  it("says how many segments became how many, at which version", async () => {
    const place = await PLACES["a path"]();
    const rows = Array.from(
      { length: 5_000 },
      (_, i) => `{"type":"Ship","data":{"imo":"S${i}","hull":[${i},1]}}`,
    );
    for (const part of [rows.slice(0, 2_500), rows.slice(2_500)]) {
      const data = place.world.file("ships.ndjson", part.join("\n"));
      await succeed(place.world.run(["load", "--mode", "append", "--data", data, "g"]));
    }
    const { datasets } = await json(place, "optimize");
    expect((datasets as unknown[])[2]).toEqual({
      type_key: "node:Ship",
      fragments_removed: 2,
      fragments_added: 1,
      committed: true,
      skipped: null,
      published_dataset_version: 3,
      pending_indexes: [],
    });
    const [newest] = (await json(place, "commit", "list")).commits as Record<string, unknown>[];
    expect(newest).toMatchObject({ graph_manifest_version: 4, actor_id: null });
  });

  it("takes the number of types side by side from the environment, whatever it is", async () => {
    const place = await PLACES["a path"]();
    for (const limit of ["1", "64", "0", "-3", "many", ""]) {
      await launch(place, `S${limit.length}${limit.charCodeAt(0)}`);
      const env = { OMNIGRAPH_MAINTENANCE_CONCURRENCY: limit };
      expect((await run(place, ["optimize"], { env })).code).toBe(0);
    }
  });
});

describe("cleanup", () => {
  it("asks for a limit before anything else", async () => {
    const world = createWorld();
    const { code, stdout, stderr } = await world.run(["cleanup", "--confirm", "nowhere"]);
    expect([code, stdout, stderr]).toEqual([
      1,
      "",
      "error: cleanup requires at least one of --keep or --older-than\n",
    ]);
  });

  it.each([
    [["--older-than", "5y"], 1, "unknown duration unit 'y'"],
    [["--older-than", "10min"], 1, "unknown duration unit 'min'"],
    [["--older-than", "1.5h"], 1, "invalid duration '1.5h'"],
    [["--older-than="], 1, "duration is empty"],
    [["--older-than", " "], 1, "duration is empty"],
    [["--older-than", "99999999999999999w"], 1, "it does not fit"],
    [["--older-than=-1d"], 1, "invalid duration '-1d'"],
    [["--keep", "99999999999999999999"], 1, "invalid --keep 99999999999999999999: it does not fit"],
    [["--keep", "two"], 2, "invalid value 'two' for '--keep <N>'"],
    [["--keep=-1"], 2, "invalid value '-1' for '--keep <N>'"],
    [["--keep", "1.5"], 2, "invalid value '1.5' for '--keep <N>'"],
    [["--keep", "1", "--keep", "2"], 2, "cannot be used multiple times"],
    [["--keep"], 2, "a value is required for '--keep <N>'"],
    [["--keep", "1", "--dry-run"], 2, "'--dry-run' cannot be used with '--confirm'"],
    [
      ["--keep", "1", "--as", "nina"],
      1,
      "`cleanup` is a direct (storage-native) command; --as sets the actor",
    ],
    [["--keep", "1", "--server", "h"], 1, "--server addresses a served graph and does not apply."],
    [["--keep", "1", "--store", "h"], 1, "a positional URI and `--store` are mutually exclusive"],
    [["--keep", "1", "--graph", "atlas"], 1, "already a single graph"],
  ])("refuses %p", async (words, code, phrase) => {
    const place = await PLACES["a path"]();
    const before = place.keys();
    const outcome = await place.world.run(["cleanup", ...place.at, "--confirm", ...words]);
    expect([outcome.code, outcome.stdout]).toEqual([code, ""]);
    expect(outcome.stderr).toContain(phrase);
    expect(place.keys()).toEqual(before);
  });

  it("opens nothing without --confirm", async () => {
    const { code, stdout, stderr } = await createWorld().run(["cleanup", "--older-than", " 7d ", "nowhere"]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toBe("cleanup is destructive — rerun with --confirm. Policy for nowhere: older than 7d\n");
  });

  it("lets only what is beyond both limits go, and gives its space back", async () => {
    const place = await PLACES["a path"]();
    await launch(place, "A", "B", "C", "D", "E");
    await json(place, "optimize");
    place.age();
    const both = await json(place, "cleanup", "--keep", "1", "--older-than", "1h", "--confirm");
    expect(both).toMatchObject({ keep_versions: 1, older_than_secs: 3_600, commits_expired: 0 });
    const size = () => place.keys().length;
    const before = size();
    const preview = await json(place, "cleanup", "--keep", "0", "--dry-run");
    const { preview: isPreview, ...promised } = preview;
    expect(isPreview).toBe(true);
    expect(size()).toBe(before);
    const cleaned = await json(place, "cleanup", "--keep", "0", "--confirm");
    expect(cleaned).toEqual({
      uri: "g",
      keep_versions: 0,
      older_than_secs: null,
      datasets: [
        { type_key: "edge:CallsAt", bytes_removed: 0, old_versions_removed: 0, error: null },
        { type_key: "node:Port", bytes_removed: 0, old_versions_removed: 0, error: null },
        { type_key: "node:Ship", bytes_removed: 0, old_versions_removed: 5, error: null },
      ],
      commits_expired: 6,
      bytes_removed: expect.any(Number),
    });
    expect(cleaned).toEqual(promised);
    expect(size()).toBeLessThan(before);
    expect(await json(place, "cleanup", "--keep", "1", "--confirm")).toMatchObject({
      commits_expired: 0,
      bytes_removed: 0,
    });
    expect(await shipsOf(place)).toBe("A B C D E ");
    const { commits } = await json(place, "commit", "list");
    expect(commits).toHaveLength(7);
    const [, second] = commits as { graph_commit_id: string }[];
    const past = await place.world.run([
      "query",
      "--store",
      "g",
      "--snapshot",
      second.graph_commit_id,
      "-e",
      "query q() { match { $s: Ship } return { $s.imo } }",
    ]);
    expect(past.code).toBe(1);
    expect(past.stderr).toContain(`commit '${second.graph_commit_id}' was reclaimed`);
  });

  it.each(["a path", "s3://"])(
    "gives back the bytes of Blobs that no commit shows any more: at %s",
    async (name) => {
      const place = await PLACES[name]();
      const show = async (imo: string, bytes: string): Promise<void> => {
        const photo = `base64:${Buffer.from(bytes).toString("base64")}`;
        const data = place.world.file("photo.ndjson", JSON.stringify({ type: "Ship", data: { imo, photo } }));
        const words = ["load", "--mode", "merge", "--data", data, "--store", place.uri];
        await succeed(place.world.run(words, place.settings));
      };
      const photoOf = (imo: string, ...more: readonly string[]) =>
        place.world.run(
          ["blob", "get", "node", "Ship", imo, "photo", "--store", place.uri, ...more],
          place.settings,
        );
      const blobs = () => place.keys().filter((key) => key.includes("/blobs/")).length;
      await show("A", "first");
      await show("B", "beside");
      await show("A", "second");
      const { commits } = await json(place, "commit", "list");
      const [, before] = commits as { graph_commit_id: string }[];
      await json(place, "cleanup", "--keep", "1", "--confirm", "--yes");
      expect(blobs()).toBe(3);
      place.age();
      const { bytes_removed } = await json(place, "cleanup", "--keep", "1", "--confirm", "--yes");
      expect([blobs(), bytes_removed]).toEqual([2, "first".length]);
      expect((await photoOf("A")).stdout).toBe("second");
      expect((await photoOf("B")).stdout).toBe("beside");
      const gone = await photoOf("A", "--snapshot", before.graph_commit_id);
      expect([gone.code, gone.stdout]).toEqual([1, ""]);
      expect((await run(place, ["repair"])).stdout).not.toContain("suspicious");
    },
  );

  it("of a target that is not local asks first, before any request", async () => {
    const place = await PLACES["s3://"]();
    await launch(place, "A");
    const cleanup = (settings: Settings, ...more: readonly string[]) =>
      run(place, ["cleanup", "--keep", "1", "--confirm", ...more], settings);
    const s3 = await s3Server();
    s3.clearRequests();
    for (const outcome of [await cleanup({}), await cleanup({ terminal: true, stdin: "yes\n" }, "--json")]) {
      expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
      expect(outcome.stderr).toContain(`refusing destructive \`cleanup\` against ${place.uri}`);
      expect(outcome.stderr).toContain("--yes");
    }
    for (const stdin of ["\n", "no\n", "yess\n"]) {
      const { code, stderr } = await cleanup({ terminal: true, stdin });
      expect(code).toBe(1);
      expect(stderr).toContain("aborted: destructive `cleanup` not confirmed");
    }
    expect(s3.requests).toHaveLength(0);
    for (const stdin of ["y\n", " YES \n"]) {
      const { code, stdout } = await cleanup({ terminal: true, stdin });
      expect([code, stdout]).toEqual([0, expect.stringContaining("cleanup s3://")]);
    }
    expect(JSON.parse((await cleanup({}, "--yes", "--json")).stdout)).toMatchObject({ uri: place.uri });
    const folder = await PLACES["--cluster <folder> with its state in a bucket"]();
    const { code, stderr } = await run(folder, ["cleanup", "--keep", "1", "--confirm"]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`refusing destructive \`cleanup\` against ${folder.uri}`),
    ]);
    // A preview destroys nothing.
    expect((await run(place, ["cleanup", "--keep", "1", "--dry-run"])).code).toBe(0);
  });

  it("names the types whose objects would not go, and ends well", async () => {
    const place = await PLACES["s3://"]();
    const data = place.world.file(
      "many.ndjson",
      Array.from({ length: 3_000 }, (_, i) => `{"type":"Ship","data":{"imo":"S${i}"}}`).join("\n"),
    );
    for (const mode of ["append", "overwrite"]) {
      const words = ["load", "--mode", mode, "--data", data, "--yes", "--store", place.uri];
      await succeed(place.world.run(words, place.settings));
    }
    place.age();
    const s3 = await s3Server();
    const isSegment = (key: string) => key.includes("/segments/");
    s3.misbehave(({ kind, key }) =>
      kind === "delete" && isSegment(key) ? { kind: "answer", status: 403, code: "AccessDenied" } : null,
    );
    const failed = await run(place, ["cleanup", "--keep", "1", "--confirm", "--yes"]);
    s3.misbehave(() => null);
    expect(failed.code).toBe(0);
    expect(failed.stdout).toContain("  node type 'Ship': not all removed, to be retried: ");
    expect(place.keys().filter(isSegment)).toHaveLength(2);
    const retried = await json(place, "cleanup", "--keep", "1", "--confirm", "--yes");
    expect((retried.datasets as Record<string, unknown>[])[2]).toMatchObject({
      type_key: "node:Ship",
      bytes_removed: expect.any(Number),
      old_versions_removed: 0,
      error: null,
    });
    expect(place.keys().filter(isSegment)).toHaveLength(1);
  });
});

describe("repair", () => {
  /** A graph whose only segment of ships has one bit flipped. */
  async function damaged(): Promise<Place> {
    const place = await PLACES["s3://"]();
    await launch(place, "A");
    const data = place.world.file(
      "many.ndjson",
      Array.from({ length: 3_000 }, (_, i) => `{"type":"Ship","data":{"imo":"S${i}"}}`).join("\n"),
    );
    const words = ["load", "--mode", "append", "--data", data, "--store", place.uri];
    await succeed(place.world.run(words, place.settings));
    const s3 = await s3Server();
    const { objects } = s3.buckets.get(s3.bucket) ?? { objects: new Map() };
    const key = place.keys().find((candidate) => candidate.includes("/segments/")) ?? "";
    const bytes = objects.get(key)?.bytes.slice() ?? new Uint8Array(0);
    bytes[bytes.length >> 1] ^= 16;
    objects.set(key, { ...objects.get(key), bytes });
    return place;
  }

  it("shows what is lost, and refuses to touch it without force", async () => {
    const place = await damaged();
    const preview = await json(place, "repair");
    const ships = (preview.datasets as Record<string, unknown>[])[2];
    expect(ships).toEqual({
      type_key: "node:Ship",
      published_dataset_version: 3,
      classification: "suspicious",
      action: "preview",
      operations: [
        expect.stringMatching(
          /^branch 'main': object 's3:.*\.arrow' is damaged: .*; affects commit \w{26} \(version 3\)$/,
        ),
      ],
      error: null,
    });
    const refused = await run(place, ["repair", "--confirm", "--json"]);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      confirm: true,
      graph_manifest_version: null,
      datasets: [{ action: "no_op" }, { action: "no_op" }, { action: "refused", error: expect.any(String) }],
    });
    expect(JSON.parse(refused.stderr.trim().split("\n").at(-1) ?? "")).toEqual({
      error: "repair refused 1 suspicious or unverifiable dataset(s)",
      code: "bad_request",
    });
    const inWords = await run(place, ["repair", "--confirm"]);
    expect(inWords.code).toBe(1);
    expect(inWords.stdout).toContain("— confirm mode, 3 datasets\n");
    expect(inWords.stdout).toContain("  node type 'Ship': suspicious, refused: ");
    expect(inWords.stdout).not.toContain("rerun");
    expect(inWords.stderr).toEndWith("error: repair refused 1 suspicious or unverifiable dataset(s)\n");
  });

  it("leaves everything as it is while storage does not let all of it be read", async () => {
    const place = await damaged();
    const s3 = await s3Server();
    const before = place.keys();
    s3.misbehave(({ kind, key }) =>
      kind !== "list" && key.includes("/segments/")
        ? { kind: "answer", status: 403, code: "AccessDenied" }
        : null,
    );
    const refused = await run(place, ["repair", "--force", "--confirm", "--json"]);
    s3.misbehave(() => null);
    expect(refused.code).toBe(1);
    expect((JSON.parse(refused.stdout) as { datasets: unknown[] }).datasets[2]).toMatchObject({
      type_key: "node:Ship",
      classification: "unverifiable",
      action: "refused",
      error: "storage does not let it be read: mend that, then run again",
    });
    expect(refused.stderr).toContain("repair refused 1 suspicious or unverifiable dataset(s)");
    expect(place.keys()).toEqual(before);
  });

  it("brings the newest readable state back when forced, as a commit of its own", async () => {
    const place = await damaged();
    const forced = await json(place, "repair", "--force", "--confirm");
    expect(forced).toMatchObject({
      force: true,
      graph_manifest_version: 4,
      datasets: [
        { action: "no_op" },
        { action: "no_op" },
        { classification: "suspicious", action: "forced" },
      ],
    });
    expect(await shipsOf(place)).toBe("A ");
    const [newest] = (await json(place, "commit", "list")).commits as Record<string, unknown>[];
    expect(newest).toMatchObject({ graph_manifest_version: 4, actor_id: "omnigraph:repair" });
    expect((await run(place, ["repair"])).stdout).not.toContain("suspicious");
    await launch(place, "AFTER");
    expect(await shipsOf(place)).toBe("A AFTER ");
  });

  it("makes derived data again when confirmed", async () => {
    const place = await PLACES["a path"]();
    await launch(place, "A", "B");
    await json(place, "optimize");
    const checkpoint = place.keys().find((key) => key.includes("/checkpoint/")) ?? "";
    rmSync(checkpoint);
    const preview = await run(place, ["repair"]);
    expect(preview.code).toBe(0);
    expect(preview.stdout).toContain("verified_maintenance, preview\n");
    expect(preview.stdout).toContain("rerun with --confirm");
    expect(place.keys()).not.toContain(checkpoint);
    const healed = await run(place, ["repair", "--confirm"]);
    expect([healed.code, healed.stdout]).toEqual([
      0,
      expect.stringContaining("verified_maintenance, healed"),
    ]);
    expect(await json(place, "repair")).toMatchObject({
      graph_manifest_version: null,
      datasets: [{ action: "no_op" }, { action: "no_op" }, { action: "no_op" }],
    });
    expect(await shipsOf(place)).toBe("A B ");
  });

  it("takes --force only beside --confirm", async () => {
    const { code, stderr } = await createWorld().run(["repair", "--force", "nowhere"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("were not provided:\n  --confirm")]);
  });
});

describe.each(["optimize", "repair", "cleanup"])("%s", (command) => {
  const words = command === "cleanup" ? [command, "--keep", "1", "--confirm", "--yes"] : [command];

  it("never works on a served graph", async () => {
    const world = createWorld();
    const refusal = async (...more: readonly string[]) => {
      const { code, stdout, stderr } = await world.run([...words, ...more]);
      expect([code, stdout]).toEqual([1, ""]);
      return stderr;
    };
    expect(await refusal("--server", "http://127.0.0.1:1", "--graph", "atlas")).toBe(
      `error: \`${command}\` is a direct (storage-native) command; --server addresses a served graph and does not apply. Pass a storage URI, or --cluster <dir> --graph <id>.\n`,
    );
    for (const address of [["https://h"], ["--store", "https://h"]]) {
      const text = await refusal(...address);
      expect(text).toContain("needs direct storage access");
      expect(text).toContain("remote server");
    }
    world.config(
      "servers: { harbor: { url: 'http://127.0.0.1:1' } }\nprofiles: { night: { server: harbor } }\ndefaults: { server: harbor }\n",
    );
    expect(await refusal()).toContain("needs direct storage access, but operator defaults resolves a server");
    const text = await refusal("--profile", "night");
    expect(text).toContain("needs direct storage access, but profile 'night' resolves a server");
    expect(text).toContain("--store <uri>, or --cluster <dir|uri> --graph <id>");
  });

  it("names what a cluster has applied, where it is not clear which graph is meant", async () => {
    const world = createWorld();
    const folder = await clusterAt(world);
    const refusal = async (...more: readonly string[]) => {
      const { code, stdout, stderr } = await world.run([...words, "--cluster", folder, ...more]);
      expect([code, stdout]).toEqual([1, ""]);
      return stderr;
    };
    const unknown = await refusal("--graph", "nope");
    for (const phrase of ["is not applied in cluster", "atlas", "cluster apply"]) {
      expect(unknown).toContain(phrase);
    }
    writeFileSync(
      join(folder, "cluster.yaml"),
      "version: 1\ngraphs:\n  atlas: { schema: fleet.pg }\n  berth: { schema: fleet.pg }\n",
    );
    await succeed(world.run(["cluster", "apply", "--config", folder]));
    expect(await refusal()).toContain("has 2 graphs (atlas, berth); pass --graph <id>");
    const empty = join(world.directory, "empty");
    mkdirSync(empty);
    expect((await world.run([...words, "--cluster", empty])).stderr).toContain("has no applied state");
    expect((await world.run([...words, "--cluster", join(empty, "x")])).stderr).toContain(
      "is not a directory",
    );
    expect(await refusal("--graph", "atlas", "--store", "g")).toContain("are mutually exclusive");
  });

  it("says where there is no graph", async () => {
    const outcome = await createWorld().run([...words, "nowhere", "--json"]);
    expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
    expect(JSON.parse(outcome.stderr)).toEqual({
      error: expect.stringContaining("graph not found at "),
      code: "not_found",
    });
    expect((await createWorld().run(words)).stderr).toContain("no graph addressed");
  });

  it("works where the rest of its cluster is damaged", async () => {
    const world = createWorld();
    const folder = await clusterAt(world);
    for (const file of filesUnder(join(folder, "__cluster"))) {
      if (!file.endsWith("state.json")) writeFileSync(file, "garbage");
    }
    writeFileSync(join(folder, "fleet.pg"), "garbage");
    expect((await world.run([...words, "--cluster", folder])).code).toBe(0);
  });
});
