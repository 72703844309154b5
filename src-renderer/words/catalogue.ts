/**
 * The panel's texts, one file for each page. Places stand in braces; where an English text has two forms (`one|other`), the
 * place `count` chooses. Chinese has one plural form, so none of its texts has two. The compiler knows when one is missing.
 */
import * as clients from "./pages/clients.ts";
import * as diagnostics from "./pages/diagnostics.ts";
import * as frame from "./pages/frame.ts";
import * as graph from "./pages/graph.ts";
import * as home from "./pages/home.ts";
import * as joining from "./pages/joining.ts";
import * as names from "./pages/names.ts";
import * as networks from "./pages/networks.ts";
import * as peer from "./pages/peer.ts";
import * as router from "./pages/router.ts";
import * as routes from "./pages/routes.ts";
import * as rules from "./pages/rules.ts";
import * as settings from "./pages/settings.ts";

export const en = {
  ...clients.en,
  ...diagnostics.en,
  ...frame.en,
  ...graph.en,
  ...home.en,
  ...joining.en,
  ...names.en,
  ...networks.en,
  ...peer.en,
  ...router.en,
  ...routes.en,
  ...rules.en,
  ...settings.en,
};

export const zhCN = {
  ...clients.zhCN,
  ...diagnostics.zhCN,
  ...frame.zhCN,
  ...graph.zhCN,
  ...home.zhCN,
  ...joining.zhCN,
  ...names.zhCN,
  ...networks.zhCN,
  ...peer.zhCN,
  ...router.zhCN,
  ...routes.zhCN,
  ...rules.zhCN,
  ...settings.zhCN,
};

/** The name of a text. */
export type Key = keyof typeof en;
