import { describe, expect, it } from "bun:test";
import { compareStory } from "./stories.ts";
import type { Story } from "./story.ts";
import { StoryFailure, type StoryReport, tell } from "./tell.ts";

const SEEDS = 120;

describe("a graph", () => {
  it("goes through mutations, loads, branches and maintenance as plain objects do, whoever is asked", async () => {
    const total = { writes: 0, refusedWrites: 0, answers: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const report = await compareStory(seed);
      total.writes += report.writes;
      total.refusedWrites += report.refusedWrites;
      total.answers += report.answers;
    }
    expect(total.writes - total.refusedWrites).toBeGreaterThan(1_000);
    expect(total.refusedWrites).toBeGreaterThan(50);
    expect(total.answers).toBeGreaterThan(1_000);
  }, 120_000);

  it("is told in the fewest steps where it goes wrong", async () => {
    const isDeleting = (story: Story) =>
      story.steps.some(
        (step) => step.kind === "mutate" && step.statements.some(({ kind }) => kind === "delete"),
      );
    const live = async (story: Story): Promise<StoryReport> => {
      if (isDeleting(story) && story.steps.some(({ kind }) => kind === "fork")) {
        throw new StoryFailure("a fork forgets what was deleted");
      }
      return tell(story);
    };
    const failures: string[] = [];
    for (let seed = 1; failures.length === 0; seed++) {
      await compareStory(seed, live).catch((error: Error) => failures.push(error.message));
    }
    const steps = failures[0]
      .split("\n")
      .filter((line) => /^(?:on|load|fork|merge|optimize|ask)\b/.test(line));
    expect(steps).toHaveLength(2);
    expect(steps.filter((step) => step.startsWith("fork"))).toHaveLength(1);
    expect(failures[0]).toContain("again: bun scripts/compare.ts stories --seed ");
    expect(failures[0]).toContain("a fork forgets what was deleted");
  });
});
