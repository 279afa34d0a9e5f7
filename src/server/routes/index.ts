// Every route of the server, in the order in which the OpenAPI document lists them.

import type { FlatRoute, GraphRoute } from "../route.ts";
import { blobRoutes } from "./blob.ts";
import { branchRoutes } from "./branches.ts";
import { changeRoutes } from "./changes.ts";
import { commitRoutes } from "./commits.ts";
import { exportRoutes } from "./export.ts";
import { graphsRoute, healthRoute } from "./flat.ts";
import { graphStateRoutes } from "./graph-state.ts";
import { loadRoutes } from "./load.ts";
import { mutationRoutes } from "./mutations.ts";
import { queryRoutes } from "./queries.ts";
import { storedQueryRoutes } from "./stored-queries.ts";

export const flatRoutes: readonly FlatRoute[] = [healthRoute, graphsRoute];

export const graphRoutes: readonly GraphRoute[] = [
  ...graphStateRoutes,
  ...blobRoutes,
  ...queryRoutes,
  ...storedQueryRoutes,
  ...mutationRoutes,
  ...loadRoutes,
  ...exportRoutes,
  ...branchRoutes,
  ...commitRoutes,
  ...changeRoutes,
];
