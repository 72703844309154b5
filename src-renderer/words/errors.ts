/** Every error in both languages. English is the table's own text, but where that names commands the pages name pages. */
import type { ErrorCode } from "../../src-shared/errors.ts";
import { errorKinds } from "../../src-shared/errors.ts";
import type { Language } from "./language.ts";

const ofTable = Object.fromEntries(
  Object.entries(errorKinds).map(([code, { text }]) => [code, text]),
) as Record<ErrorCode, string>;

const english: Readonly<Record<ErrorCode, string>> = {
  ...ofTable,
  "not-running": "Starmesh is not running here.",
  "unknown-network": "There is no network “{name}” on this machine.",
  "unknown-port-map": "There is no port map {id} on this machine.",
  "network-off": "The network “{name}” is switched off. Switch it on first.",
  "unknown-peer": "No member “{name}” is known in {network}.",
  "peer-unreachable": "{name} did not answer. Its page says why.",
  "wrong-token":
    "The router does not accept this link: its token was replaced. Copy the new one from the router’s page.",
  "no-router": "This machine is no router yet. Paste a router’s link, or let the network be hosted here.",
  "router-off": "This machine is not acting as a router. Switch that on first.",
  "address-taken": "The address {address} belongs to {owner}. Choose another one or leave the field empty.",
  "range-taken":
    "The range {range} overlaps {local}, which this machine already uses ({interface}). Choose another, or leave the field empty.",
  "range-overlaps":
    "The network’s range {range} overlaps {local}, which this machine already uses ({interface}). You can join anyway, without a route there.",
};

const chinese: Readonly<Record<ErrorCode, string>> = {
  usage: "{detail}",
  internal: "Starmesh 内部出错：{detail}。更多信息见日志 {logs}。",
  "not-running": "本机的 Starmesh 没有运行。",
  "already-running": "Starmesh 已在此状态文件夹上运行（进程 {pid}）。可用 starmesh stop 停止它。",
  "not-yours": "{folder} 中的 Starmesh 属于另一位用户。请使用 sudo，或用 --state 另选文件夹。",
  "state-unreadable": "无法读取文件 {file}：{detail}。把它移走即可重新开始。",
  "state-not-writable": "无法写入状态文件夹 {folder}：{detail}。请用 --state 另选一个。",
  "addon-missing": "数据包引擎尚未构建：{detail}。请运行 npm run build 构建。",
  "port-in-use": "端口 {port} 正被其他程序占用。请换一个端口，或停止那个程序。",
  "no-interface": "本机没有接口或地址“{name}”。现有：{list}。",
  "port-of-router": "本机是端口 {port} 上的路由器，其节点使用同一端口。",
  "router-fixed": "“{setting}”由启动此路由器时使用的文件 {file} 设定。请在该文件中修改，然后重新启动路由器。",
  "no-privilege":
    "没有创建网络接口的权限，数据包无法在此收发。可用 starmesh rights 授予一次权限，或用 sudo（或 root）运行。",
  "helper-lost":
    "替 Starmesh 更改本机网络设置的辅助程序已退出；它恢复后会立即重新使用。请重新启动它，或重新启动 Starmesh。",
  "privilege-refused":
    "未获得更改本机网络设置的权限：{detail}。可用 starmesh rights 再试一次，或用 sudo 运行 Starmesh。",
  "no-tun": "系统没有 TUN 设备（{detail}），数据包无法在此收发。可用 modprobe tun 加载。",
  "system-refused": "系统拒绝执行操作（{action}）：{detail}。",
  "name-invalid": "“{name}”不能用作名称：须为 1 到 63 个字母、数字、点或连字符，并以字母或数字开头和结尾。",
  "unknown-network": "本机没有名为“{name}”的网络。",
  "unknown-port-map": "本机没有编号为 {id} 的端口映射。",
  "ambiguous-network": "“{name}”对应多个网络：{list}。请写出更多位标识。",
  "network-exists": "这里已有名为“{name}”的网络。请换个名称，或先退出那个网络。",
  "network-off": "网络“{name}”已关闭，请先打开它。",
  "unknown-peer": "{network} 中没有名为“{name}”的成员。",
  "no-exit":
    "{name} 不能作为互联网出口：需要它自己提供（starmesh route advertise 0.0.0.0/0），并由管理员授权。请查看：starmesh exit-node",
  "unknown-name": "此网络中没有名称“{name}”。请查看：starmesh name list",
  "name-taken": "“{name}”已经是{owner}的名称。请换一个，或先撤回它。",
  "names-full": "此网络中已手工写入 {most} 个名称，无法再添加。请先删除一些。",
  "unknown-relay": "{network} 中没有名为“{name}”的中继。现有：{list}。",
  "ambiguous-peer": "“{name}”对应多个成员：{list}。请给出名称、地址或更长的密钥。",
  "peer-unreachable": "{name} 没有应答，原因见其详情页。",
  "link-garbled": "这不是完整的 Starmesh 链接：有一部分缺失或被改动。请重新复制整行。",
  "link-newer": "此链接由更新版本的 Starmesh 生成。请先更新本机。",
  "invite-expired": "此邀请已过期，请索取新的邀请。",
  "invite-used": "此邀请的次数已用完，请索取新的邀请。",
  "invite-withdrawn": "此邀请已被撤回，请索取新的邀请。",
  "wrong-secret": "{name} 的密码不对。",
  "secret-weak": "密码太短：至少 8 个字符，或由 Starmesh 生成一个。",
  "no-network-here": "这里没有网络 {name}：路由器 {router} 不托管它。",
  "network-closed": "路由器不再托管此网络，请联系其管理员。",
  "wrong-token": "路由器不接受此链接：其令牌已更换。请从路由器页面复制新链接。",
  "router-off": "本机没有用作路由器。请先打开该功能。",
  "no-router": "本机还不是路由器。请粘贴一个路由器的链接，或让网络由本机托管。",
  "router-unreachable": "{addresses} 处没有路由器应答。请检查它是否在运行、端口是否开放，然后重试。",
  "router-wrong": "在 {address} 应答的并不是此链接所指的路由器。请勿继续，并索取新链接。",
  "link-refused": "在 {address} 应答的是普通网站，或中间有其他设备：无法在那里建立 Starmesh 链路。",
  "proxy-unreachable": "无法使用代理 {proxy}：{detail}。请检查此处设置的代理或 HTTPS_PROXY。",
  "proxy-refused": "代理 {proxy} 不允许连接到 {target}：{detail}。请联系其管理员，或改用其他代理。",
  "router-lost": "路由器尚未应答，连接就已中断。请重试。",
  "address-taken": "地址 {address} 属于 {owner}。请换一个，或将此栏留空。",
  "address-outside": "地址 {address} 在 {range} 中不可用。",
  "range-invalid": "“{range}”不是可用的地址范围：例如 10.20.0.0/16（私有地址，/8 到 /29）。",
  "range-full": "{range} 中已没有空闲地址。",
  "range-overlaps":
    "网络的地址范围 {range} 与本机已使用的 {local}（{interface}）重叠。仍可加入，但不会设置到该网络的路由。",
  "range-clashes":
    "地址范围 {range} 与已在使用的 {local}（{where}）重叠。请换一个，或强制执行：{where} 将无法到达两者之一。",
  "range-taken": "地址范围 {range} 与本机已使用的 {local}（{interface}）重叠。请换一个，或留空。",
  "route-invalid": "“{prefix}”不是地址段，请写成例如 192.168.1.0/24。",
  "route-map": "{prefix} 不能显示为 {as}：两者须为同一类型且长度相同，例如 192.168.1.0/24 与 10.9.1.0/24。",
  "route-shared":
    "{prefix} 与 {route} 重叠：局域网的主机要么共用本机地址，要么以自己的地址被路由。请先撤回其中一个。",
  "route-covers": "{prefix} 与网络自身的地址 {range} 重叠。请用 --as 为该局域网指定其他地址。",
  "unknown-route": "没有路由 {prefix}。请查看：starmesh route list",
  "routes-full": "路由表最多 {most} 行，无法再添加。请为所有成员统一设置，而不是逐个设置。",
  "already-member": "本机已经是“{name}”的成员。",
  "not-gateway":
    "本机无权接入 WireGuard 客户端。请在以下设备之一（{devices}）上运行：starmesh member gateway {name} on",
  "not-admin": "本机无权这样做。有权的设备：{devices}。",
  "not-with-secret": "“{name}”由共享密码管理，不能进行此操作（{what}）。请改用新密码建立网络。",
  "policy-test": "策略的第 {test} 项测试不再成立：{detail}。请修改该测试，或添加一条规则。",
  "policy-too-large":
    "该策略有 {size} 个字符，最多 {most} 个。请使用组和网段，或缩短注释。试用中的策略会同时携带原有策略：加 --keep 则不携带。",
  "no-trial": "“{name}”没有试用中的策略：已保留，或到时已撤回。请查看：starmesh policy show",
  "not-allowed": "路由器拒绝：{detail}。",
  revoked: "本机已被移出“{name}”。需要新的邀请才能回来。",
  "waits-approval": "本机正在等待 {devices} 批准。",
  "panel-unauthorized": "请用此命令给出的链接打开面板：starmesh panel",
  "panel-link-spent": "此链接已用过，或已超过 10 分钟。请用此命令获取新链接：starmesh panel",
  "too-many-tries": "尝试次数过多，请等一分钟。",
  "unknown-call": "此 Starmesh 不认识调用“{call}”。请更新较旧的一方。",
  timeout: "{what} 用时过长，请重试。",
};

export const errorTexts: Readonly<Record<Language, Readonly<Record<ErrorCode, string>>>> = {
  en: english,
  "zh-CN": chinese,
};
