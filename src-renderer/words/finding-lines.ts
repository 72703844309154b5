/** What a check of the connection finds, as the engine says it and in the panel's words where it names commands. */
import type { EngineLine } from "./engine-lines.ts";

export const findingLines: readonly EngineLine[] = [
  { said: "The router {address} is connected.", zh: "已连接到路由器 {address}。" },
  {
    said: "Somebody else answers in place of the router {address}.",
    zh: "在路由器 {address} 处应答的是别的设备。",
  },
  {
    said: "Log in to this network in a browser (a hotel or guest portal), then try again.",
    zh: "请先在浏览器中登录此网络（酒店或访客门户），然后重试。",
  },
  {
    said: "The router {address} answers but is not connected.",
    zh: "路由器 {address} 有应答，但未建立连接。",
  },
  { said: "See: starmesh networks", en: "The page of the network says why.", zh: "原因见该网络的页面。" },
  {
    said: "The router {address} does not answer over TCP.",
    zh: "路由器 {address} 在 TCP 上没有应答。",
  },
  {
    said: "The router {address} does not answer over TCP. Port 443 there is not blocked.",
    zh: "路由器 {address} 在 TCP 上没有应答，但那里的 443 端口没有被阻断。",
  },
  {
    said: "Check that it runs and that the firewalls on the way let its TCP port through.",
    zh: "请检查它是否在运行，以及途中的防火墙是否放行其 TCP 端口。",
  },
  { said: "UDP passes.", zh: "UDP 可以通过。" },
  { said: "Whether UDP passes is not known yet.", zh: "尚不清楚 UDP 能否通过。" },
  { said: "Try again in a moment.", zh: "请稍后重试。" },
  {
    said: "UDP does not pass: no server answers. The router is reached over {transport} instead.",
    zh: "UDP 无法通过：没有服务器应答。现改经 {transport} 连接路由器。",
  },
  {
    said: "Open outgoing UDP in this network's firewall for quicker, direct paths.",
    zh: "在此网络的防火墙上放行出站 UDP，可得到更快的直连路径。",
  },
  { said: "UDP does not pass: no server answers.", zh: "UDP 无法通过：没有服务器应答。" },
  {
    said: "Open outgoing UDP in this network's firewall; until then nothing but the LAN is reached directly.",
    zh: "请在此网络的防火墙上放行出站 UDP；在此之前只有局域网可以直连。",
  },
  {
    said: "There is no NAT: this machine has a public address.",
    zh: "没有 NAT：本机拥有公网地址。",
  },
  {
    said: "The NAT keeps one outer port: direct paths are likely.",
    zh: "NAT 保持同一外部端口：很可能可以直连。",
  },
  {
    said: "The NAT takes a new port for each destination, {step} apart: direct paths often work.",
    zh: "NAT 为每个目标使用新端口（间隔 {step}）：通常可以直连。",
  },
  {
    said: "Switch on UPnP or PCP at the gateway to make sure.",
    zh: "在网关上打开 UPnP 或 PCP 会更可靠。",
  },
  {
    said: "The NAT takes a random port for each destination (symmetric): some direct paths fail.",
    zh: "NAT 为每个目标使用随机端口（对称型）：部分直连会失败。",
  },
  {
    said: "Switch on UPnP or PCP at the gateway, or forward a port and say so with: starmesh set --declare HOST:PORT",
    en: "Switch on UPnP or PCP at the gateway, or forward a port and write its address under Settings.",
    zh: "请在网关上打开 UPnP 或 PCP，或转发一个端口并在“设置”中填写其地址。",
  },
  { said: "How the NAT behaves is not known.", zh: "尚不清楚 NAT 的类型。" },
  { said: "It takes answers of two STUN servers.", zh: "需要两台 STUN 服务器的应答。" },
  {
    said: "The gateway lets others in at {endpoints} ({protocol}).",
    zh: "网关允许他人从 {endpoints} 进入（{protocol}）。",
  },
  { said: "No gateway has to open a port.", zh: "无需网关开放端口。" },
  { said: "Port mapping is switched off.", zh: "端口映射已关闭。" },
  {
    said: "starmesh set --port-mapping on",
    en: "It can be switched on under Settings.",
    zh: "可在“设置”中打开。",
  },
  { said: "The gateway is being asked to open a port.", zh: "正在请网关开放端口。" },
  {
    said: "The gateway opens no port: it speaks neither PCP, NAT-PMP nor UPnP, or they are switched off.",
    zh: "网关没有开放端口：它不支持 PCP、NAT-PMP 和 UPnP，或已将其关闭。",
  },
  {
    said: "Switch on UPnP or PCP at the gateway where direct paths fail.",
    zh: "如果无法直连，请在网关上打开 UPnP 或 PCP。",
  },
  { said: "IPv6 reaches the outside.", zh: "IPv6 可以连通外部。" },
  {
    said: "There is IPv6, but no server was reached over it.",
    zh: "有 IPv6，但未能经它连通任何服务器。",
  },
  { said: "Nothing has to be done.", zh: "无需处理。" },
  { said: "There is no IPv6.", zh: "没有 IPv6。" },
  { said: "The clock agrees with the router's.", zh: "时钟与路由器一致。" },
  {
    said: "This machine's clock is {seconds} s ahead of that of the router {address}.",
    zh: "本机时钟比路由器 {address} 快 {seconds} 秒。",
  },
  {
    said: "This machine's clock is {seconds} s behind that of the router {address}.",
    zh: "本机时钟比路由器 {address} 慢 {seconds} 秒。",
  },
  {
    said: "Set the clock, best by switching on its network time: invites and certificates depend on it.",
    zh: "请校准时钟，最好打开网络对时：邀请和证书都依赖于它。",
  },
  {
    said: "Full-size packets reach the router {address} ({mtu} bytes).",
    zh: "全尺寸数据包可到达路由器 {address}（{mtu} 字节）。",
  },
  {
    said: "{local} on {interface} has the same addresses as {wanted} in {network}.",
    zh: "{interface} 上的 {local} 与 {network} 中的 {wanted} 使用了相同的地址。",
  },
  {
    said: "Members with these addresses are not reached from here. Use another LAN range here, or let an administrator move the network: starmesh network renumber {network} {range}",
    en: "Members with these addresses are not reached from here. Use another LAN range here, or let an administrator give {network} other addresses, such as {range}.",
    zh: "从这里无法到达使用这些地址的成员。请在这里改用其他局域网地址，或请管理员为 {network} 换一个地址段，例如 {range}。",
  },
  {
    said: "On {gateway} give the LAN other addresses for the network: starmesh route advertise {prefix} --as {free}",
    en: "On {gateway} give the LAN {prefix} other addresses for the network, such as {free}.",
    zh: "在 {gateway} 上为局域网 {prefix} 换用网络中的其他地址，例如 {free}。",
  },
  {
    said: "Use other addresses at one of the two ends.",
    zh: "请在两端之一改用其他地址。",
  },
  {
    said: "Only packets up to {mtu} bytes reach the router {address}.",
    zh: "只有不超过 {mtu} 字节的数据包能到达路由器 {address}。",
  },
  {
    said: "Larger ones are cut on the way; for a steady gain: starmesh set --mtu 1280",
    en: "Larger ones are cut on the way.",
    zh: "更大的数据包会在途中被分片。",
  },
  {
    said: "Packets can flow through the network interface.",
    zh: "数据包可以通过网络接口。",
  },
  { said: "No network interface can be opened.", zh: "无法打开网络接口。" },
  { said: "See: starmesh status", en: "The home page says what to do.", zh: "主页上有处理方法。" },
  // How a router is reached from outside (handlers/reach-findings.ts)
  {
    said: "All addresses of this router are private: nobody elsewhere reaches it.",
    zh: "此路由器的所有地址都是私有的：其他地方的机器无法到达它。",
  },
  {
    said: "Give it a public address: starmesh router --public HOST",
    en: "Give it a public address on this page.",
    zh: "请在本页填写公网地址。",
  },
  {
    said: "Nobody can try from outside: no member is connected from elsewhere.",
    zh: "无法从外部尝试：没有成员从其他地方连接。",
  },
  {
    said: "Connect a member from another place, for example over a phone, and check again.",
    zh: "请让一个成员从其他地方连接（例如使用手机网络），然后再次检查。",
  },
  { said: "Asked to try, and did not answer: {names}.", zh: "已请求尝试但没有应答：{names}。" },
  {
    said: "{place} is reached from outside by {names}, but not by {others}.",
    zh: "{names} 能从外部到达 {place}，但 {others} 不能。",
  },
  {
    said: "A firewall on their side may block it; other transports serve them then.",
    zh: "可能是对方的防火墙阻断了它；此时会改用其他传输方式。",
  },
  { said: "{place} is reached from outside, by {names}.", zh: "{names} 能从外部到达 {place}。" },
  { said: "{place} from outside: not reached by {names}.", zh: "{place}：{names} 从外部无法到达。" },
  {
    said: "Open {protocol} port {port} in the firewall of this machine, and forward it here where a gateway stands before it.",
    zh: "请在本机防火墙上放行 {protocol} 端口 {port}；若前面有网关，请将该端口转发到本机。",
  },
  {
    said: "Open {protocol} port {port} in the firewall of this machine, and forward it here where a gateway stands before it. Until then packets go over TCP, more slowly.",
    zh: "请在本机防火墙上放行 {protocol} 端口 {port}；若前面有网关，请将该端口转发到本机。在此之前数据包经 TCP 传输，速度较慢。",
  },
  {
    said: "{place} from outside: refused, as where nobody listens.",
    zh: "{place}：从外部连接被拒绝，如同无人监听。",
  },
  {
    said: "A firewall refuses it, or the port leads to another machine: let {protocol} port {port} through to this one.",
    zh: "防火墙拒绝了它，或端口通向另一台机器：请让 {protocol} 端口 {port} 通到本机。",
  },
  { said: "{place} from outside: somebody else answers.", zh: "{place}：从外部应答的是别的设备。" },
  {
    said: "The address or the port leads to another machine: correct the public address, or the forwarding at the gateway.",
    zh: "该地址或端口通向另一台机器：请更正公网地址，或网关上的端口转发。",
  },
  { said: "{place} was not tried from outside.", zh: "尚未从外部尝试 {place}。" },
  {
    said: "Members learn of a port when they connect: check again after they did.",
    zh: "成员在连接时才得知端口：请在它们重新连接后再次检查。",
  },
  {
    said: "{transport} has a port of its own, which answers nothing but its own links: nobody can try it.",
    zh: "{transport} 使用单独的端口，只应答自己的连接：无法从外部尝试。",
  },
  { said: "Make sure that its UDP port is let through.", zh: "请确认其 UDP 端口已放行。" },
  {
    said: "Members do not know this router by {address}: they look for it at {recorded}.",
    zh: "成员不知道此路由器的地址 {address}：它们在 {recorded} 处寻找它。",
  },
  {
    said: "Nobody tried that address. Networks that are made from now on know it.",
    zh: "没有成员尝试过该地址。今后创建的网络会知道它。",
  },
  {
    said: "Seen from outside, this machine has the address {seen}.",
    zh: "从外部看，本机的地址是 {seen}。",
  },
  {
    said: "Seen from outside, this machine has the address {seen}, of which others are not told.",
    zh: "从外部看，本机的地址是 {seen}，但未告知其他机器。",
  },
  {
    said: "Forward the ports to this machine where a gateway stands before it, and give that address: starmesh router --public HOST",
    en: "Forward the ports to this machine where a gateway stands before it, and give that address on this page.",
    zh: "若前面有网关，请将端口转发到本机，并在本页填写该地址。",
  },
];
