// A physical plan for people: one line for each operator, in the order in which they ran, and rows beside them.

import type { PlanOutput, PlanStepOutput } from "../../engine/outputs.ts";

const HEADINGS = ["step", "detail", "access", "scanned", "estimated", "actual"] as const;
const NUMBERS_FROM = 3;
const INDENT = "  ";

/** The lines of a plan. */
export function planLines({ query_name, tables, steps }: PlanOutput): string[] {
  const rows = steps.flatMap((step) => stepRows(step, ""));
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((cells) => [...cells[column]].length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const padding = " ".repeat(widths[column] - [...cell].length);
        return column < NUMBERS_FROM ? cell + padding : padding + cell;
      })
      .join("  ")
      .trimEnd();
  return [`plan of ${query_name}, tables ${tables}`, line(HEADINGS), ...rows.map(line)];
}

function stepRows(step: PlanStepOutput, indent: string): string[][] {
  const { operator, detail, access = "", estimated_rows, actual_rows, solutions, steps = [] } = step;
  const scanned = step.scanned_rows === undefined ? "" : `${step.scanned_rows}`;
  const actual = solutions === undefined ? `${actual_rows}` : `${actual_rows} (for ${solutions})`;
  const own = [indent + operator, detail, access, scanned, `${estimated_rows}`, actual];
  return [own, ...steps.flatMap((inner) => stepRows(inner, indent + INDENT))];
}
