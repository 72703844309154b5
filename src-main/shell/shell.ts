/** The desktop app: one instance, one window, one tray icon, all on the contract of one engine. */
import { join } from "node:path";
import { app, clipboard, dialog, powerMonitor } from "electron";
import type { HandedFile, ShellChange, ShellFolder, ShellStatus } from "../../src-shared/api/bridge.ts";
import { toWireError } from "../../src-shared/errors.ts";
import { showAppMenu } from "./app-menu.ts";
import { confinePages } from "./confinement.ts";
import { Crashes } from "./crashes.ts";
import { Ending } from "./ending.ts";
import type { EngineAccess } from "./engine.ts";
import type { EngineState } from "./engine-link.ts";
import { EngineLink } from "./engine-link.ts";
import type { Handed } from "./handed.ts";
import { readHanded, sortFile } from "./handed.ts";
import { Handover } from "./handover.ts";
import { KeptFile } from "./kept.ts";
import { Listing } from "./listing.ts";
import { backgroundOption, loginStart } from "./login-start.ts";
import { MainWindow } from "./main-window.ts";
import { Notices } from "./notices.ts";
import { Notifier } from "./notifier.ts";
import { saveFile, showFolder } from "./page-files.ts";
import { announcePages, servePages } from "./pages.ts";
import { RightsQuestion } from "./rights-question.ts";
import type { ShellLog } from "./shell-log.ts";
import { openShellLog } from "./shell-log.ts";
import { TrayIcon } from "./tray.ts";
import { hasTray } from "./tray-place.ts";
import type { NoFeed, UpdateFeed } from "./update-feed.ts";
import { builtFeed } from "./update-feed.ts";
import { Updates } from "./updates.ts";
import type { Words } from "./words.ts";
import { fill, wordsFor } from "./words.ts";

/** Where the files lie. */
export interface ShellFiles {
  /** Folder of the built pages. */
  readonly pages: string;
  readonly preload: string;
  readonly windowIcon: string;
  /** Folder of the tray's pictures. */
  readonly trayIcons: string;
  /** Folder of the engine's logs. */
  readonly logs: string;
  /** Folder of what the window keeps for itself; null: where the system wants it. */
  readonly own: string | null;
}

/** What the desktop and the build have; tests say so themselves. */
export interface ShellSurroundings {
  /** A tray icon is seen. */
  hasTray(): Promise<boolean>;
  feed(): (() => Promise<UpdateFeed>) | NoFeed;
}

/**
 * Runs the desktop app. Has to be called while the main module loads: the scheme of the pages can only be announced
 * before Electron is ready. Where the app runs already, that one comes to the front and this one ends.
 */
export function runShell(
  engine: EngineAccess,
  files: ShellFiles,
  surroundings: ShellSurroundings = { hasTray: () => hasTray(), feed: builtFeed },
): void {
  if (files.own !== null) app.setPath("userData", files.own);
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  // The shortcuts and notifications of Windows belong to this name; the installer uses the same.
  app.setAppUserModelId("io.starmesh.desktop");
  app.enableSandbox();
  announcePages();
  const own = app.getPath("userData");
  const log = openShellLog(join(own, "logs"));
  const crashes = new Crashes(join(own, "crashes"));
  crashes.watch((error) => log("error", { error: String(error) }));
  app.on("child-process-gone", (_event, { type, reason, exitCode }) => {
    log("process.gone", { type, reason, exitCode });
  });
  const handover = new Handover();
  app.whenReady().then(
    () => new Shell({ engine, files, surroundings, own, log, crashes }).start(handover),
    (error: unknown) => dialog.showErrorBox("Starmesh", String(error)),
  );
}

interface ShellOptions {
  readonly engine: EngineAccess;
  readonly files: ShellFiles;
  readonly surroundings: ShellSurroundings;
  readonly own: string;
  readonly log: ShellLog;
  readonly crashes: Crashes;
}

class Shell {
  readonly #options: ShellOptions;
  readonly #words: Words;
  readonly #kept: KeptFile;
  readonly #link: EngineLink;
  readonly #ending: Ending;
  readonly #window: MainWindow;
  readonly #notices = new Notices();
  readonly #rights: RightsQuestion;
  readonly #notifier: Notifier;
  readonly #updates: Updates;
  readonly #login = loginStart();
  readonly #listing: Listing;
  readonly #tray: TrayIcon;

  constructor(options: ShellOptions) {
    const { engine, files, surroundings, own, log } = options;
    this.#options = options;
    const words = wordsFor(app.getLocale());
    this.#words = words;
    this.#kept = new KeptFile(join(own, "window.json"));
    this.#listing = new Listing(files.windowIcon, this.#kept, words);
    this.#link = new EngineLink(engine, {
      onState: (state) => this.#heard(state),
      onStopped: () => void this.#offerStart(),
    });
    this.#ending = new Ending(this.#link, words);
    this.#rights = new RightsQuestion(words, () => this.#try(this.#link.askForRights()));
    this.#window = new MainWindow({
      engine,
      preload: files.preload,
      icon: files.windowIcon,
      kept: this.#kept,
      words,
      log,
      calls: {
        read: async () => this.#status(),
        change: (change) => this.#change(change),
        checkForUpdate: () => this.#updates.check().then(() => this.#status()),
        installUpdate: () => this.#installUpdate(),
        startEngine: () => this.#link.start().then(() => this.#link.state.kind !== "stopped"),
        openFolder: (folder) => showFolder(this.#folderOf(folder)),
        saveFile,
        drop: (file) => this.#takeFile(file),
      },
      mayClose: () => this.#ending.isAgreed || this.#tray.isShown,
      onClosed: () => this.#sayThatItStays(),
      onHeld: () => void this.#leave(),
      onSessionEnd: () => this.#ending.quit(),
    });
    this.#tray = new TrayIcon({
      icons: files.trayIcons,
      words,
      hasPlace: () => surroundings.hasTray(),
      onShown: () => this.#show(),
      actions: {
        open: () => this.#window.open(),
        start: () => void this.#link.start(),
        connectNetworks: (on) => this.#try(this.#link.connectNetworks(on)),
        connectNetwork: (id, on) => this.#try(this.#link.connectNetwork(id, on)),
        chooseExit: (wish) => this.#try(this.#link.chooseExit(wish)),
        copy: (text) => void clipboard.writeText(text),
        actAsRouter: (on) => this.#try(this.#link.actAsRouter(on)),
        askForRights: () => this.#try(this.#link.askForRights()),
        restartToUpdate: () => void this.#installUpdate(),
        quit: () => app.quit(),
      },
    });
    this.#notifier = new Notifier({
      words,
      wanted: () => this.#kept.values.notifications && !this.#window.isWatched,
      open: (hash) => this.#window.open(hash),
    });
    this.#updates = new Updates({
      feed: surroundings.feed(),
      automatic: () => this.#kept.values.automaticUpdates,
      onState: (state) => {
        this.#show();
        if (state.kind === "ready") this.#notifier.tellUpdate(state.version);
      },
      log,
    });
  }

  async start(handover: Handover): Promise<void> {
    const { files, log, crashes } = this.#options;
    log("started", { version: app.getVersion() });
    servePages(files.pages);
    confinePages();
    showAppMenu(this.#words, {
      open: (page) => this.#window.open(`#/${page}`),
      openLogs: () => void showFolder(files.logs),
      quit: () => app.quit(),
    });
    app.on("activate", () => this.#window.open());
    // With an icon in the tray the app stays, and the networks with it.
    app.on("window-all-closed", () => !this.#tray.isShown && app.quit());
    app.once("quit", () => this.#tray.close());
    this.#ending.watch();
    powerMonitor.on("resume", () => void this.#link.awake().catch(() => undefined));
    powerMonitor.on("shutdown", () => this.#ending.quit());
    await this.#tray.follow();
    await this.#link.start();
    handover.onCome((handed) => void this.#take(handed));
    if (!startedByLogin()) {
      this.#window.open();
      const { window } = this.#window;
      if (window !== null) void this.#listing.offer(window).then((changed) => changed && this.#show());
    } else if (!this.#tray.isShown) this.#window.openMinimized();
    this.#listing.renew();
    this.#updates.follow();
    void crashes.showNew(this.#kept, this.#words);
  }

  #heard(state: EngineState): void {
    for (const notice of this.#notices.hear(state, performance.now())) this.#notifier.tell(notice);
    void this.#rights.hear(state, this.#window.window);
    this.#show();
  }

  #show(): void {
    const update = this.#updates.state.kind === "ready" ? this.#updates.state.version : null;
    this.#tray.show({ engine: this.#link.state, update });
    this.#window.tell(this.#status());
  }

  #status(): ShellStatus {
    const { state, hosts } = this.#link;
    const { notifications, automaticUpdates } = this.#kept.values;
    const { electron = "", chrome = "" } = process.versions as Readonly<Record<string, string>>;
    return {
      versions: { app: app.getVersion(), electron, chromium: chrome },
      startAtLogin: this.#login?.isOn ?? null,
      listed: this.#listing.isOn,
      notifications,
      updates: { automatic: automaticUpdates, state: this.#updates.state },
      tray: this.#tray.isShown,
      engine: {
        running: state.kind === "running",
        hosted: hosts,
        why: state.kind === "stopped" ? state.why : null,
      },
      crashes: this.#kept.values.shownCrashes.length,
    };
  }

  async #change(change: ShellChange): Promise<ShellStatus> {
    const { startAtLogin, listed, notifications, automaticUpdates } = change;
    if (startAtLogin !== undefined) this.#login?.change(startAtLogin);
    if (listed !== undefined) this.#listing.change(listed);
    if (notifications !== undefined) this.#kept.keep({ notifications });
    if (automaticUpdates !== undefined) {
      this.#kept.keep({ automaticUpdates });
      this.#updates.follow();
    }
    this.#show();
    return this.#status();
  }

  /** What came from outside is shown; nothing of it is done. */
  async #take(handed: Handed | null): Promise<void> {
    if (handed === null) this.#window.open();
    else if (handed.kind === "invite") this.#showInvite(handed.link);
    else {
      const file = await readHanded(handed.path);
      this.#window.open();
      if (file !== null) this.#takeFile(file);
    }
  }

  #takeFile(file: HandedFile): void {
    const sorted = sortFile(file);
    if (sorted === null) return;
    if ("invite" in sorted) this.#showInvite(sorted.invite);
    else this.#window.hand(sorted);
  }

  #showInvite(link: string): void {
    this.#window.open(`#/join/${encodeURIComponent(link)}`);
  }

  /** Shows why something from the tray did not work: there is no page to say it. */
  #try(doing: Promise<void>): void {
    doing.catch((error: unknown) => dialog.showErrorBox("Starmesh", toWireError(error).message));
  }

  async #offerStart(): Promise<void> {
    const { window } = this.#window;
    if (window === null) return;
    const { response } = await dialog.showMessageBox(window, {
      message: this.#words.wasStopped,
      buttons: [this.#words.startAgain, this.#words.notNow],
      cancelId: 1,
    });
    if (response === 0 && this.#link.state.kind === "stopped") await this.#link.start();
  }

  /** With the window closed only the icon shows that all goes on; that is said once. */
  #sayThatItStays(): void {
    if (this.#ending.isAgreed || this.#kept.values.saidItStays) return;
    this.#notifier.tellStays();
    this.#kept.keep({ saidItStays: true });
  }

  /** The window is closed where no icon was seen so far. */
  async #leave(): Promise<void> {
    if (await this.#tray.seek()) {
      this.#window.destroy();
      return;
    }
    const answer = await this.#ending.mayLeave();
    if (answer === "minimise") this.#window.minimize();
    if (answer === "leave") this.#ending.quit();
  }

  async #installUpdate(): Promise<ShellStatus> {
    if (this.#updates.state.kind !== "ready") await this.#updates.load();
    else if (await this.#agreesToRestart(this.#updates.state.version)) {
      this.#ending.agree();
      await this.#updates.restart();
    }
    return this.#status();
  }

  async #agreesToRestart(version: string): Promise<boolean> {
    const { updateAsk, updateAskHosted, restart, notNow } = this.#words;
    const { response } = await dialog.showMessageBox({
      message: fill(updateAsk, { version }),
      ...(this.#link.hosts ? { detail: updateAskHosted } : {}),
      buttons: [restart, notNow],
      cancelId: 1,
    });
    return response === 0;
  }

  #folderOf(folder: ShellFolder): string {
    const { files, crashes } = this.#options;
    return folder === "logs" ? files.logs : crashes.folder;
  }
}

/** The system started it with the session, not the user. */
function startedByLogin(): boolean {
  if (process.argv.includes(backgroundOption)) return true;
  return process.platform === "darwin" && app.getLoginItemSettings().wasOpenedAtLogin;
}
