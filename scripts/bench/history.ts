// A graph over time: how fast it takes commits, what survives dying writers, and what its past and its merges cost.

import type { Group } from "./bench.ts";
import { commitRate } from "./commit-rate.ts";
import { deepHistory } from "./deep-history.ts";
import { killedWriters } from "./killed-writers.ts";
import { mergeCost } from "./merge-cost.ts";

export const history: readonly Group[] = [commitRate, killedWriters, deepHistory, mergeCost];
