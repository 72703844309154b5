/** The places that one can go to from every page, in order. */
import {
  IconActivityHeartbeat,
  IconChartDots3,
  IconHome,
  IconRouter,
  IconSettings,
  IconStethoscope,
  IconTopologyStar3,
} from "@tabler/icons-react";
import type { Route } from "../state/route.ts";
import { networkParts } from "../state/route.ts";
import type { PlainKey } from "../words/words.ts";

interface Place {
  readonly route: Route;
  readonly label: PlainKey;
  readonly icon: typeof IconHome;
  /** Pages that belong to this place. */
  readonly below: readonly Route["page"][];
}

export const places: readonly Place[] = [
  { route: { page: "home" }, label: "nav.home", icon: IconHome, below: ["home", "peer"] },
  {
    route: { page: "networks" },
    label: "nav.networks",
    icon: IconTopologyStar3,
    below: ["networks", ...networkParts, "create", "join"],
  },
  { route: { page: "latency" }, label: "nav.latency", icon: IconActivityHeartbeat, below: ["latency"] },
  { route: { page: "graph" }, label: "nav.graph", icon: IconChartDots3, below: ["graph"] },
  { route: { page: "router" }, label: "nav.router", icon: IconRouter, below: ["router"] },
  {
    route: { page: "diagnostics" },
    label: "nav.diagnostics",
    icon: IconStethoscope,
    below: ["diagnostics"],
  },
  { route: { page: "settings" }, label: "nav.settings", icon: IconSettings, below: ["settings"] },
];
