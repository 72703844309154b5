/** The few words outside the pages: tray and dialogs, in the system's language. */

const english = {
  open: "Open Starmesh",
  starting: "Starting…",
  stopped: "Starmesh is not running",
  start: "Start",
  noNetworks: "No network yet",
  connected: "Connected: {names}",
  disconnected: "Disconnected",
  connect: "Connect",
  disconnect: "Disconnect",
  router: "Act as router",
  quit: "Quit",
  quitEnds: "Quit and disconnect",
  wasStopped: "Starmesh was stopped on this computer.",
  startAgain: "Start again",
  notNow: "Not now",
  ends: "Starmesh runs inside this window's program: quitting disconnects this computer.",
  cancel: "Cancel",
} as const;

/** One language's words. */
export type Words = Readonly<Record<keyof typeof english, string>>;

const chinese: Words = {
  open: "打开 Starmesh",
  starting: "正在启动…",
  stopped: "Starmesh 未运行",
  start: "启动",
  noNetworks: "尚未加入网络",
  connected: "已连接：{names}",
  disconnected: "已断开",
  connect: "连接",
  disconnect: "断开",
  router: "用作路由器",
  quit: "退出",
  quitEnds: "退出并断开",
  wasStopped: "本机的 Starmesh 已停止。",
  startAgain: "重新启动",
  notNow: "暂不",
  ends: "Starmesh 在本程序内运行：退出后本机将断开连接。",
  cancel: "取消",
};

/** The words for a system language such as `zh-CN`. */
export function wordsFor(locale: string): Words {
  return locale.toLowerCase().startsWith("zh") ? chinese : english;
}
