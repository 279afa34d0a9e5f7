// A graph over time: how fast it takes commits, and what its past, its branches and its merges cost.

import type { Group } from "./bench.ts";
import { commitRate } from "./commit-rate.ts";

export const history: readonly Group[] = [commitRate];
