/** What the engine says beside errors, as it says it in English, and in the panel's words where commands are named. */

export interface EngineLine {
  /** The engine's own line; places stand in braces. */
  readonly said: string;
  /** The panel's English, where it differs. */
  readonly en?: string;
  readonly zh: string;
}

export const engineLines: readonly EngineLine[] = [
  // Why a path is as it is (mesh/path.ts)
  {
    said: "direct: {name} answers at its local address {endpoint}",
    zh: "直连：{name} 在其局域网地址 {endpoint} 应答",
  },
  {
    said: "direct: {name} was heard from {endpoint} and answers there",
    zh: "直连：收到过 {name} 从 {endpoint} 发来的包，并在那里应答",
  },
  {
    said: "direct over TCP, because UDP is closed at one end: {name} answers at {endpoint}",
    zh: "有一端封闭了 UDP，故经 TCP 直连：{name} 在 {endpoint} 应答",
  },
  {
    said: "direct over {transport} on port {port}, because plain UDP gets no answer: {name} answers at {endpoint}",
    zh: "普通 UDP 没有应答，故经端口 {port} 上的 {transport} 直连：{name} 在 {endpoint} 应答",
  },
  {
    said: "direct over {transport} on port {port}, which carries more than plain UDP does here: {name} answers at {endpoint}",
    zh: "经端口 {port} 上的 {transport} 直连，它在此处比普通 UDP 能传更多数据：{name} 在 {endpoint} 应答",
  },
  {
    said: "direct over {transport}, which makes up for the losses of the line: {name} answers at {endpoint}",
    zh: "经能弥补线路丢包的 {transport} 直连：{name} 在 {endpoint} 应答",
  },
  {
    said: "direct over {transport}, as you chose: {name} answers",
    zh: "按您的选择经 {transport} 直连：{name} 有应答",
  },
  {
    said: "relayed through {via} over {transport}, as you chose: {name} answers",
    zh: "按您的选择以 {transport} 经 {via} 中继：{name} 有应答",
  },
  {
    said: "relayed through {via} over {transport} on port {port}, because UDP to it is blocked here; let UDP to that port through for a quicker path",
    zh: "以端口 {port} 上的 {transport} 经 {via} 中继，因为到它的 UDP 在本端被阻断；放行到该端口的 UDP 可得到更快的路径",
  },
  { said: "direct: {name} answers at {endpoint}", zh: "直连：{name} 在 {endpoint} 应答" },
  {
    said: "relayed through {via} while the addresses of {name} are being tried",
    zh: "暂经 {via} 中继，正在尝试 {name} 的各个地址",
  },
  {
    said: "relayed through {via}: {name} has told no other address",
    zh: "经 {via} 中继：{name} 没有告知其他地址",
  },
  {
    said: "relayed through {via}: none of the {count} other addresses of {name} answers; open a UDP port at one end for a direct path",
    zh: "经 {via} 中继：{name} 的 {count} 个其他地址均无应答；在任意一端开放 UDP 端口即可直连",
  },
  {
    said: "relayed through {via}: the direct path to {name} broke and is being tried again",
    zh: "经 {via} 中继：到 {name} 的直连路径已断，正在重试",
  },
  {
    said: "direct, as you chose: {name} answers at {endpoint}",
    zh: "按您的选择直连：{name} 在 {endpoint} 应答",
  },
  { said: "relayed through {via} to {name}, as you chose", zh: "按您的选择经 {via} 中继到 {name}" },
  {
    said: "relayed through {via} to {name} until the direct path, which you chose, answers",
    zh: "您选择的直连没有应答，暂经 {via} 中继到 {name}",
  },
  {
    said: "relayed through {via} to {name} until {chosen}, which you chose, answers",
    zh: "您选择的 {chosen} 没有应答，暂经 {via} 中继到 {name}",
  },
  {
    said: "direct to {name} until {chosen}, which you chose, answers",
    zh: "您选择的 {chosen} 没有应答，暂与 {name} 直连",
  },
  {
    said: "relayed through {via}: that carries more than the direct path",
    zh: "经 {via} 中继：比直连能传更多数据",
  },
  {
    said: "relayed through {via}: that is quicker than the direct path",
    zh: "经 {via} 中继：比直连更快",
  },
  {
    said: "{name} is an ordinary WireGuard client of this machine and has not connected yet",
    zh: "{name} 是本机服务的普通 WireGuard 客户端，尚未连接",
  },
  {
    said: "{name} is an ordinary WireGuard client, connected to this machine",
    zh: "{name} 是普通的 WireGuard 客户端，已连接到本机",
  },
  {
    said: "{name} is an ordinary WireGuard client: only the gateway that serves it reaches it",
    zh: "{name} 是普通的 WireGuard 客户端，只有为它服务的网关能到达它",
  },
  {
    said: "neither an address of {name} nor a relay answers; open a UDP port at one end, or run a router that both reach",
    zh: "{name} 的地址和中继都没有应答；请在任意一端开放 UDP 端口，或运行双方都能到达的路由器",
  },
  { said: "{name} is not connected to the router", zh: "{name} 没有连接到路由器" },
  {
    said: "UDP to the router is blocked here, so nothing can be relayed to {name}; let UDP to the router's port through",
    zh: "本机到路由器的 UDP 被阻断，无法中继到 {name}；请放行到路由器端口的 UDP",
  },
  {
    said: "UDP between {name} and the router is blocked, so nothing can be relayed to it; let UDP to the router's port through there",
    zh: "{name} 与路由器之间的 UDP 被阻断，无法中继到它；请在那里放行到路由器端口的 UDP",
  },
  {
    said: "no packets for {name} yet; a path is found with the first one",
    zh: "还没有发往 {name} 的数据包；第一个包会建立路径",
  },

  // What was decided (mesh/peer.ts)
  { said: "session with {name}", zh: "与 {name} 建立会话" },
  { said: "{name} began a new session", zh: "{name} 开始了新会话" },
  { said: "{name} did not answer", zh: "{name} 没有应答" },
  { said: "no answer from the relay {name}", zh: "中继 {name} 没有应答" },
  { said: "no answer from {endpoint}", zh: "{endpoint} 没有应答" },

  // Steps of joining (engine/join.ts)
  { said: "Looking for the router", zh: "正在寻找路由器" },
  { said: "Deriving the network's keys", zh: "正在推导网络密钥" },
  { said: "Asking for an address", zh: "正在申请地址" },
  { said: "Joining", zh: "正在加入" },

  // States of a network (engine/status.ts)
  { said: "Waits for approval on {devices}.", zh: "正在等待 {devices} 批准。" },
  { said: "This machine was removed from “{name}”.", zh: "本机已被移出“{name}”。" },
  {
    said: "The address {address} belongs to {owner}. Leave and join again.",
    zh: "地址 {address} 属于 {owner}。请退出后重新加入。",
  },

  // Warnings
  {
    said: "This works only on this LAN: the router has private addresses only. Use --public HOST.",
    en: "This works only on this LAN: the router has private addresses only. Give it a public one on the Router page.",
    zh: "仅在本局域网内有效：路由器只有私有地址。请在“路由器”页面填写公网地址。",
  },
  {
    said: "This machine is both router and administrator: whoever controls it can admit members. Export the key to move it.",
    en: "This machine is both router and administrator: whoever controls it can admit members.",
    zh: "本机既是路由器又是管理员：控制本机的人可以接纳成员。",
  },
  {
    said: "This secret can be guessed with some effort: let Starmesh make one with --secret and no value.",
    en: "This secret can be guessed with some effort. Leave the field empty, and Starmesh makes a strong one.",
    zh: "此密码花些工夫就能猜到。留空可由 Starmesh 生成强密码。",
  },
  {
    said: "This profile works only on this LAN. Use --endpoint HOST to name a public address.",
    en: "This profile works only on this LAN. Give a public address of this machine, and make another.",
    zh: "此配置仅在本局域网内有效。请填写本机的公网地址后重新生成。",
  },
  {
    said: "This machine is behind a router: forward UDP port {port} there, or give --endpoint.",
    en: "This machine is behind an internet router: forward UDP port {port} there, or give another address.",
    zh: "本机位于上网路由器之后：请在路由器上转发 UDP 端口 {port}，或填写其他地址。",
  },
  { said: "The name {name} was taken; this machine is {own}.", zh: "名称 {name} 已被占用，本机名为 {own}。" },
  {
    said: "The range {range} overlaps {local} on {interface}: no route to the network is set.",
    zh: "地址范围 {range} 与 {interface} 上的 {local} 重叠：未设置到该网络的路由。",
  },
];
