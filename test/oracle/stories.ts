// Random stories from a seed; the first that goes wrong is made small and told in full.

import { Dice } from "../support/dice.ts";
import { schemaText } from "./graph-model.ts";
import { LARGE, SMALL } from "./random-graph.ts";
import { randomStory } from "./random-story.ts";
import { eachLeftOut, eachReplaced, shrink, smallerQuestions, smallerSchema } from "./shrink.ts";
import { type StatementModel, type Story, type StoryStep, stepText } from "./story.ts";
import { type StoryReport, tell } from "./tell.ts";

const KIND_LENGTH = 12;
/** One seed in so many tells of a larger graph. */
const LARGE_EVERY = 20;

/** Lives through the story of one seed. Throws, with everything there is to know, where it goes wrong. */
export async function compareStory(
  seed: number,
  live: (story: Story) => Promise<StoryReport> = tell,
): Promise<StoryReport> {
  const story = randomStory(new Dice(seed), seed % LARGE_EVERY === 0 ? LARGE : SMALL);
  try {
    return await live(story);
  } catch (error) {
    throw new Error(await report(seed, story, error, live));
  }
}

async function report(
  seed: number,
  story: Story,
  first: unknown,
  live: (story: Story) => Promise<StoryReport>,
): Promise<string> {
  const failureOf = async (smaller: Story): Promise<unknown> => {
    try {
      await live(smaller);
      return null;
    } catch (error) {
      return error;
    }
  };
  // One that fails in another way is another failure.
  const kind = kindOf(first);
  const smallest = await shrink(
    story,
    smallerStories,
    async (smaller) => kindOf(await failureOf(smaller)) === kind,
  );
  const failure = await failureOf(smallest);
  return [
    `a story goes wrong; again: bun scripts/compare.ts stories --seed ${seed}`,
    "",
    schemaText(smallest.schema),
    "",
    ...smallest.steps.map((step) => stepText(smallest.schema, step)),
    failure instanceof Error
      ? `${failure.name === "Error" ? failure.message : failure.stack}`
      : String(failure),
  ].join("\n");
}

/** What was thrown, less the particulars. */
const kindOf = (error: unknown): string =>
  error instanceof Error ? `${error.constructor.name} ${error.message.slice(0, KIND_LENGTH)}` : String(error);

function* smallerStories(story: Story): Generator<Story> {
  const { schema, steps } = story;
  for (let end = 1; end < steps.length; end++) yield { schema, steps: steps.slice(0, end) };
  for (const fewer of eachLeftOut(steps)) yield { schema, steps: fewer };
  for (const simpler of eachReplaced(steps, smallerSteps)) yield { schema, steps: simpler };
  for (const { schema: smaller, names } of smallerSchema(schema)) {
    yield { schema: smaller, steps: steps.map((step) => about(names, step)) };
  }
}

/** What is left of a step where only some types and properties are there. */
function about(names: ReadonlySet<string>, step: StoryStep): StoryStep {
  if (step.kind === "load") return { ...step, entities: step.entities.filter(({ type }) => names.has(type)) };
  if (step.kind !== "mutate") return step;
  const kept = <T>(values: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name)));
  const statements = step.statements
    .filter(({ type }) => names.has(type))
    .map((statement): StatementModel => {
      if (statement.kind === "insert") {
        return { ...statement, entity: { ...statement.entity, values: kept(statement.entity.values) } };
      }
      return statement;
    });
  return { ...step, statements };
}

function* smallerSteps(step: StoryStep): Generator<StoryStep> {
  if (step.kind === "ask") {
    for (const question of smallerQuestions(step.question)) yield { ...step, question };
    if (step.reader !== "newcomer") yield { ...step, reader: "newcomer" };
    if (step.back !== null) yield { ...step, back: null };
  } else if (step.kind === "mutate") {
    for (const statements of eachLeftOut(step.statements))
      if (statements.length > 0) yield { ...step, statements };
  } else if (step.kind === "load") {
    for (const entities of eachLeftOut(step.entities)) yield { ...step, entities };
  }
}
