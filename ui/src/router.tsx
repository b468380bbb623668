/** The addresses of the pages. What one would share lives here: project, range, selected run, view, tab, closed branches. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { Frame } from "./components/Frame";
import { METRICS, type Metric } from "./model/dashboard";
import { HEATS, type Heat } from "./model/graph";
import { STRIPS, type Strip } from "./model/strip";
import { isRange, type Range } from "./model/time";
import { AlertsPage } from "./pages/alerts/AlertsPage";
import { CoveragePage } from "./pages/CoveragePage";
import { ComparePage } from "./pages/compare/ComparePage";
import { ThreadsPage, UsersPage } from "./pages/GroupsPage";
import { ModelsPage } from "./pages/ModelsPage";
import { NodesPage } from "./pages/nodes/NodesPage";
import { OverviewPage } from "./pages/overview/OverviewPage";
import { ProjectsPage } from "./pages/ProjectsPage";
import { ThreadPage } from "./pages/ThreadPage";
import { TracePage } from "./pages/trace/TracePage";
import { TracesPage } from "./pages/traces/TracesPage";

export const VIEWS = ["timeline", "graph", "nodes"] as const;
export type View = (typeof VIEWS)[number];
export const TABS = ["overview", "io", "metadata"] as const;
export type Tab = (typeof TABS)[number];

/** Everywhere: the time range, and the order of the table where there is one. */
export type RangeSearch = { range?: Range; sort?: string };
/** The node looked at. */
export type NodesSearch = RangeSearch & { node?: string };
/** What the list keeps, what its strip shows, its columns and rows, the name of a saved view, and whether it stands still. */
export type TracesSearch = RangeSearch & {
  filter?: string;
  strip?: Strip;
  cols?: string;
  dense?: "compact";
  view?: string;
  live?: "off";
  /** A text looked for in the runs. */
  q?: string;
  /** The rail of facets, where it is hidden. */
  rail?: "off";
};
export const PRICE_TABS = ["missing", "overrides", "entries", "reprice"] as const;
export type PriceTab = (typeof PRICE_TABS)[number];
/** What of prices is shown, what is looked for, and the model looked at: of which provider, on which day, in which tier. */
export type PricesSearch = RangeSearch & {
  tab?: PriceTab;
  q?: string;
  model?: string;
  provider?: string;
  at?: string;
  tier?: string;
};
export const SETTING_TABS = ["project", "masking", "keys", "users", "audit"] as const;
export type SettingsSearch = RangeSearch & { tab?: (typeof SETTING_TABS)[number] };
export const SPLITS = ["class", "model", "node", "user", "tag", "release"] as const;
export type SplitBy = (typeof SPLITS)[number];
export const CAUSES = ["model", "node", "user", "call_path", "release"] as const;
export type CauseBy = (typeof CAUSES)[number];
/** How charts are split, and the bucket explained, by its start in epoch milliseconds. */
export type OverviewSearch = RangeSearch & { by?: SplitBy; metric?: Metric; why?: CauseBy; bucket?: number };
/** Two traces `a` and `b` and the node whose answers are shown, or two windows of time and how they are split. */
export type CompareSearch = RangeSearch & { a?: string; b?: string; node?: string; before?: Range; by?: CauseBy };
export type TraceSearch = RangeSearch & {
  run?: string;
  view?: View;
  tab?: Tab;
  closed?: string;
  /** The node that filters tree and waterfall, as the graph names it. */
  node?: string;
  heat?: Heat;
  /** What is searched for in the trace. */
  q?: string;
};

export type Eco2Search = RangeSearch & { chat?: string; trace?: string; heat?: Heat };

function one<T extends string>(known: readonly T[], value: unknown): T | undefined {
  return known.find((name) => name === value);
}

const text = (value: unknown) => (typeof value === "string" || typeof value === "number" ? String(value) : undefined);

function defined<T extends object>(search: T): T {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as T;
}

const root = createRootRoute({
  component: Frame,
  validateSearch: (search: Record<string, unknown>): RangeSearch =>
    defined({ range: isRange(search.range) ? search.range : undefined, sort: text(search.sort) } as RangeSearch),
});
const projects = createRoute({ getParentRoute: () => root, path: "/", component: ProjectsPage });
const project = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/projects/$project/overview", params, search: true });
  },
});
const overview = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project/overview",
  component: OverviewPage,
  validateSearch: (search: Record<string, unknown>): OverviewSearch =>
    defined({
      by: one(SPLITS, search.by),
      metric: one(METRICS, search.metric),
      why: one(CAUSES, search.why),
      bucket: Number.isSafeInteger(search.bucket) ? (search.bucket as number) : undefined,
    } as OverviewSearch),
});
const traces = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project/traces",
  component: TracesPage,
  validateSearch: (search: Record<string, unknown>): TracesSearch =>
    defined({
      filter: text(search.filter),
      strip: one(STRIPS, search.strip),
      cols: text(search.cols),
      dense: one(["compact"] as const, search.dense),
      view: text(search.view),
      live: one(["off"] as const, search.live),
      q: text(search.q),
      rail: one(["off"] as const, search.rail),
    } as TracesSearch),
});
const nodes = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project/nodes",
  component: NodesPage,
  validateSearch: (search: Record<string, unknown>): NodesSearch => defined({ node: text(search.node) } as NodesSearch),
});
const models = createRoute({ getParentRoute: () => root, path: "/projects/$project/models", component: ModelsPage });
const users = createRoute({ getParentRoute: () => root, path: "/projects/$project/users", component: UsersPage });
const threads = createRoute({ getParentRoute: () => root, path: "/projects/$project/threads", component: ThreadsPage });
const thread = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project/threads/$threadId",
  component: ThreadPage,
});
const compare = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project/compare",
  component: ComparePage,
  validateSearch: (search: Record<string, unknown>): CompareSearch =>
    defined({
      a: text(search.a),
      b: text(search.b),
      node: text(search.node),
      before: isRange(search.before) ? search.before : undefined,
      by: one(CAUSES, search.by),
    } as CompareSearch),
});
const coverage = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project/coverage",
  component: CoveragePage,
});
const alerts = createRoute({ getParentRoute: () => root, path: "/projects/$project/alerts", component: AlertsPage });
const trace = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project/traces/$traceId",
  component: TracePage,
  validateSearch: (search: Record<string, unknown>): TraceSearch =>
    defined({
      run: text(search.run),
      view: one(VIEWS, search.view),
      tab: one(TABS, search.tab),
      closed: text(search.closed),
      node: text(search.node),
      heat: one(HEATS, search.heat),
      q: text(search.q),
    } as TraceSearch),
});

const prices = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project/prices",
  component: lazyRouteComponent(() => import("./pages/prices/PricesPage"), "PricesPage"),
  validateSearch: (search: Record<string, unknown>): PricesSearch =>
    defined({
      tab: one(PRICE_TABS, search.tab),
      q: text(search.q),
      model: text(search.model),
      provider: text(search.provider),
      at: text(search.at),
      tier: text(search.tier),
    } as PricesSearch),
});
const settings = createRoute({
  getParentRoute: () => root,
  path: "/projects/$project/settings",
  component: lazyRouteComponent(() => import("./pages/settings/SettingsPage"), "SettingsPage"),
  validateSearch: (search: Record<string, unknown>): SettingsSearch =>
    defined({ tab: one(SETTING_TABS, search.tab) } as SettingsSearch),
});

/** The chat with the attached agent; its conversation and the trace looked at. */
const eco2 = createRoute({
  getParentRoute: () => root,
  path: "/eco2",
  component: lazyRouteComponent(() => import("./pages/eco2/Eco2Page"), "Eco2Page"),
  validateSearch: (search: Record<string, unknown>): Eco2Search =>
    defined({ chat: text(search.chat), trace: text(search.trace), heat: one(HEATS, search.heat) } as Eco2Search),
});

export const router = createRouter({
  routeTree: root.addChildren([
    projects,
    project,
    overview,
    traces,
    nodes,
    models,
    users,
    threads,
    thread,
    coverage,
    prices,
    settings,
    alerts,
    compare,
    trace,
    eco2,
  ]),
  notFoundMode: "root",
  defaultNotFoundComponent: ProjectsPage,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
