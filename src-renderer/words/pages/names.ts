/** Texts of names. */
import type { SameTexts } from "../language.ts";

export const en = {
  "names.title": "Names",
  "names.hint":
    "Every member has a name that ends in {domain}. Programs on this machine can use it instead of an address.",
  "names.list": "Names of {name}",
  "names.none": "No names yet.",
  "names.way.off": "This machine’s look-ups are not touched. Whoever wants to may ask {server}.",
  "names.way.none": "No packets flow on this machine, so nobody answers for the names.",
  "names.way.resolved": "systemd-resolved asks {server} for these names, and looks all others up as before.",
  "names.way.file":
    "Look-ups of this machine ask Starmesh first; all other names go on to the servers that it had.",
  "names.way.failed": "Looking names up could not be set up: {reason}",
  "names.byHand": "by hand",
  "names.alias": "same as {name}",
  "names.add.title": "Another name",
  "names.add.hint": "For a printer behind a gateway, or a second name of a member.",
  "names.name": "Name",
  "names.name.hint": "like printer",
  "names.value": "Address or name",
  "names.value.hint": "192.168.1.9, or nas",
  "names.add": "Add",
  "names.remove": "Remove",
  "names.remove.what": "Remove {name}",
  "names.removed": "{name} is removed",
  "names.notAdmin": "Administrators write further names.",
} as const;

export const zhCN = {
  "names.title": "名称",
  "names.hint": "每个成员都有一个以 {domain} 结尾的名称，本机的程序可以用它代替地址。",
  "names.list": "{name} 的名称",
  "names.none": "还没有名称。",
  "names.way.off": "未改动本机的域名查询。需要时可以向 {server} 查询。",
  "names.way.none": "本机没有数据通过，因此没有人应答这些名称。",
  "names.way.resolved": "systemd-resolved 向 {server} 查询这些名称，其余名称照旧。",
  "names.way.file": "本机先向 Starmesh 查询；其他名称转给原有的服务器。",
  "names.way.failed": "无法设置域名查询：{reason}",
  "names.byHand": "手动添加",
  "names.alias": "等同于 {name}",
  "names.add.title": "添加名称",
  "names.add.hint": "用于网关身后的打印机，或成员的另一个名称。",
  "names.name": "名称",
  "names.name.hint": "例如 printer",
  "names.value": "地址或名称",
  "names.value.hint": "192.168.1.9 或 nas",
  "names.add": "添加",
  "names.remove": "移除",
  "names.remove.what": "移除 {name}",
  "names.removed": "已移除 {name}",
  "names.notAdmin": "其他名称由管理员添加。",
} as const satisfies SameTexts<typeof en>;
