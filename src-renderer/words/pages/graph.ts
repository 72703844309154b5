/** Texts of the graph. */
import type { SameTexts } from "../language.ts";

export const en = {
  "graph.picture": "Picture",
  "graph.label":
    "Picture of {network}: {nodes} machines, {direct} direct links, {relayed} relayed ones. The list beside it says the same.",
  "graph.quick": "under 30 ms",
  "graph.medium": "under 100 ms",
  "graph.slow": "slower",
  "graph.relay": "relayed",
  "graph.leftOut":
    "{count} machine without a link is only in the list|{count} machines without a link are only in the list",
  "graph.ownOnly": "links of this machine only: the router does not tell the others now",
  "graph.list": "Machines and their links",
  "graph.links": "{count} link|{count} links",
  "graph.linkless": "No link to anybody now.",
  "graph.carries": "Relays on {count} line|Relays on {count} lines",
  "graph.moreLinks": "and {count} more",
  "graph.rest": "{rest} more: search for a name",
  "graph.deselect": "Show all alike",
  "graph.empty": "Nothing to draw yet",
  "graph.empty.hint": "Connect a network and invite other machines: they appear here.",
} as const;

export const zhCN = {
  "graph.picture": "图示",
  "graph.label":
    "{network} 的图示：{nodes} 台机器，{direct} 条直连，{relayed} 条中继。旁边的列表有同样的内容。",
  "graph.quick": "30 毫秒以内",
  "graph.medium": "100 毫秒以内",
  "graph.slow": "更慢",
  "graph.relay": "中继",
  "graph.leftOut": "{count} 台没有连接的机器仅在列表中",
  "graph.ownOnly": "仅本机的连接：路由器目前没有告知其他连接",
  "graph.list": "机器及其连接",
  "graph.links": "{count} 条连接",
  "graph.linkless": "目前没有任何连接。",
  "graph.carries": "在 {count} 条线路上做中继",
  "graph.moreLinks": "还有 {count} 条",
  "graph.rest": "还有 {rest} 台：请搜索名称",
  "graph.deselect": "取消选择",
  "graph.empty": "还没有可画的内容",
  "graph.empty.hint": "连接网络并邀请其他机器，它们就会出现在这里。",
} as const satisfies SameTexts<typeof en>;
