// The one table that a run prints: what was done, what it took, what it should take, and what the peer takes.

export interface BenchRow {
  readonly work: string;
  readonly measured: string;
  /** The figure to reach. */
  readonly reach: string;
  /** What the Rust peer takes for the same work on the same machine and data; empty where nobody measured it. */
  readonly peer: string;
  readonly reached: boolean;
}

const HEADINGS = ["work", "measured", "reach", "peer"] as const;
const MISSED = "  MISSED";

/** The rows as a Markdown table whose columns also line up in a terminal. */
export function renderTable(rows: readonly BenchRow[]): string {
  const lines = [
    [...HEADINGS],
    ...rows.map(({ work, measured, reach, peer, reached }) => [
      work,
      measured + (reached ? "" : MISSED),
      reach,
      peer,
    ]),
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const render = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const [head, ...body] = lines.map(render);
  return [head, render(widths.map((width) => "-".repeat(width))), ...body].join("\n");
}
