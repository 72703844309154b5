/** Verdicts, remedies and evidence in both languages; English is the engine's own text. */
import type { EvidenceCode, RemedyCode, VerdictCode } from "../../src-shared/verdict.ts";
import { evidenceTexts, remedyTexts, verdictTexts } from "../../src-shared/verdict.ts";
import type { Language } from "./language.ts";

interface VerdictWords {
  readonly verdicts: Readonly<Record<VerdictCode, string>>;
  readonly remedies: Readonly<Record<RemedyCode, string>>;
  readonly evidence: Readonly<Record<EvidenceCode, string>>;
}

const chinese: VerdictWords = {
  verdicts: {
    "same-network": "{name} 在同一局域网内，没有更短的路径。",
    "direct-best": "数据包直达 {name}，没有已知的更好路径。",
    "direct-shared": "数据包直达 {name}，由 {paths} 条同样好的路径分担。",
    "direct-lossy": "数据包直达 {name}，但有 {loss}% 丢失。",
    "direct-small": "数据包直达 {name}，但线路一次最多只能传 {mtu} 字节，更大的包分两次传送。",
    "direct-link": "数据包经端口 {port} 上的 {transport} 直达 {name}，因为普通 UDP 没有应答。",
    "direct-for-room": "数据包经端口 {port} 上的 {transport} 直达 {name}，因为普通 UDP 在那里能传的更少。",
    "direct-for-losses": "数据包经 {transport} 直达 {name}，它能弥补丢包：没有它，线路上会丢失 {loss}%。",
    "relay-link": "数据包经端口 {port} 上的 {transport} 由 {via} 中继，因为到它的 UDP 在本端被阻断。",
    "transport-chosen": "您为 {name} 选择了 {transport}，不会用其他传输方式发送。",
    "transport-silent": "您为 {name} 选择了 {transport}，但它没有应答；不会用其他传输方式发送。",
    "direct-chosen": "您选择了直连 {name}。",
    "relay-chosen": "您选择了经 {via} 到达 {name}。",
    "chosen-relay-dead": "您选择的 {chosen} 没有应答；在它应答之前，数据包经 {via} 传送。",
    "chosen-relay-dead-direct": "您选择的 {chosen} 没有应答；在它应答之前，数据包直达 {name}。",
    "chosen-direct-dead": "您选择的到 {name} 的直连没有应答；在它应答之前，数据包经 {via} 传送。",
    "relay-first": "正在尝试 {name} 的各个地址，数据包暂经 {via} 传送。",
    "relay-quicker": "经 {via} 比直连 {name} 更快。",
    "relay-for-room": "经 {via} 比直连 {name} 能传更多数据。",
    "relay-direct-broke": "到 {name} 的直连已断，正在重试；在它应答之前，数据包经 {via} 传送。",
    "relay-both-symmetric":
      "数据包经 {via} 传送：两端的 NAT 都是对称型，对每个目的地使用不同端口，因此无法告知任何一端该发往哪里。",
    "relay-symmetric-here":
      "数据包经 {via} 传送：本端的 NAT 是对称型，对每个目的地使用不同端口，而 {name} 端的 NAT 不放行陌生来源。",
    "relay-symmetric-there":
      "数据包经 {via} 传送：{name} 端的 NAT 是对称型，对每个目的地使用不同端口，而本端的 NAT 不放行陌生来源。",
    "relay-apart":
      "数据包经 {via} 传送：本机与 {name} 共用公网地址 {address}，但它们的局域网像访客网络那样将两者隔开。",
    "relay-no-address": "数据包经 {via} 传送：{name} 没有告知其他地址。",
    "relay-unanswered": "数据包经 {via} 传送：{name} 的 {count} 个其他地址均无应答，中间应有防火墙。",
    "same-addresses":
      "无法在 {address} 到达 {name}：{interface} 上的 {local} 与网络（{range}）使用了相同的地址。",
    unused: "还没有发往 {name} 的数据包；第一个包会建立路径。",
    calling: "正在呼叫 {name}。",
    offline: "{name} 没有连接到路由器：它已关机、没有网络，或没有运行 Starmesh。",
    "udp-blocked-here": "本机到路由器的 UDP 被阻断，无法中继到 {name}。",
    "udp-blocked-there": "{name} 与路由器之间的 UDP 被阻断，无法中继到它。",
    unanswered: "{name} 没有应答，无论在其地址还是经中继。",
    "stock-elsewhere": "{name} 是 {gateway} 的普通 WireGuard 客户端，只有那台机器能到达它。",
    "stock-waiting": "{name} 是本机的普通 WireGuard 客户端，尚未连接。",
    "stock-connected": "{name} 是普通 WireGuard 客户端，已连接到本机。",
  },
  remedies: {
    "port-mapping-on-here": "让 Starmesh 请这里的上网路由器开放一个端口。",
    "port-mapping-here": "在这里的上网路由器中启用 UPnP 或 NAT-PMP，或将 UDP 端口 {port} 转发到本机。",
    "port-mapping-there": "在 {name} 的上网路由器中启用 UPnP 或 NAT-PMP，或转发一个 UDP 端口给它。",
    "port-mapping-here-or-relay":
      "在这里的上网路由器中启用 UPnP 或 NAT-PMP，或让与 {name} 同处一地的 {relay} 做中继。",
    "port-mapping-there-or-relay":
      "在 {name} 的上网路由器中启用 UPnP 或 NAT-PMP，或让同处一地的 {relay} 做中继。",
    "open-port": "在任意一端的防火墙中开放一个 UDP 端口。",
    "udp-open-here": "在本端放行到路由器端口的 UDP。",
    "udp-open-router": "在本端放行到 {via} 端口 {port} 的 UDP，它比 {transport} 更快。",
    "any-transport": "让 Starmesh 重新选择传输方式（starmesh set --transport auto）。",
    "udp-open-there": "在 {name} 所在之处放行到路由器端口的 UDP。",
    "same-network": "让两者连接同一网络，而不是访客网络。",
    unpin: "让 Starmesh 重新选择路径。",
    reconnect: "重新连接。",
    "try-cable": "改用网线代替 Wi-Fi，或换一条线路。",
    "start-there": "确认 {name} 已开机、有网络，并在运行 Starmesh。",
    "run-router": "在任意一端开放 UDP 端口，或运行双方都能到达的路由器。",
    renumber: "请管理员为网络更换地址（starmesh network renumber），或在 {interface} 上使用其他地址。",
    "connect-client": "在 {name} 的 WireGuard 应用中打开隧道。",
  },
  evidence: {
    "nat-none-here": "本机前面没有 NAT。",
    "nat-independent-here": "本端的 NAT 对所有目的地使用同一端口。",
    "nat-sequential-here": "本端的 NAT 是对称型：每个目的地用下一个端口。",
    "nat-random-here": "本端的 NAT 是对称型：每个目的地用任意端口。",
    "nat-none-there": "{name} 前面没有 NAT。",
    "nat-independent-there": "{name} 端的 NAT 对所有目的地使用同一端口。",
    "nat-sequential-there": "{name} 端的 NAT 是对称型：每个目的地用下一个端口。",
    "nat-random-there": "{name} 端的 NAT 是对称型：每个目的地用任意端口。",
    "port-open-here": "这里的上网路由器已开放一个端口（{protocol}）。",
    "port-open-there": "{name} 的上网路由器已开放一个端口（{protocol}）。",
    "port-closed-here": "这里的上网路由器不开放端口。",
    "port-closed-there": "{name} 的上网路由器不开放端口。",
    "udp-blocked-here": "没有 UDP 服务器应答本机。",
    "udp-blocked-there": "没有 UDP 服务器应答 {name}。",
    tried: "{name} 的 {count} 个其他地址已尝试 {time}，均无应答。",
    answering: "{name} 的 {count} 个地址中有 {answering} 个应答。",
    broke: "使用中的路径或之前的路径在两分钟内断了 {times} 次。",
    "loss-out": "发往 {name} 的途中丢失 {loss}%。",
    "loss-in": "返回途中丢失 {loss}%。",
    "round-trip": "使用中的路径往返用时 {latency}。",
    "round-trip-direct": "直连往返用时 {latency}。",
    "round-trip-direct-then": "直连正常时往返用时 {latency}。",
    "round-trip-near": "与 {name} 同处一地的 {relay} 在 {latency} 内应答。",
    "relay-cost": "{via} 要求按比实际慢 {cost} 毫秒计算。",
    "mtu-small": "不超过 {mtu} 字节的包可以完整通过。",
    "second-direct": "另有一条直连备用（{latency}）。",
    "second-relay": "另有一条经 {via} 的路径备用（{latency}）。",
    "no-second-path": "没有可以退回的第二条路径。",
  },
};

export const verdictWords: Readonly<Record<Language, VerdictWords>> = {
  en: { verdicts: verdictTexts, remedies: remedyTexts, evidence: evidenceTexts },
  "zh-CN": chinese,
};
