/** Shows notifications of the system, if the user wants any and is not looking at the window anyway. */
import { Notification } from "electron";
import type { Notice } from "./notices.ts";
import type { Words } from "./words.ts";
import { fill } from "./words.ts";

export interface NotifierOptions {
  readonly words: Words;
  /** The user wants them, and does not look at the window. */
  readonly wanted: () => boolean;
  /** Opens the window on a page, by what follows its name. */
  readonly open: (hash: string) => void;
}

/** One line of text with a heading, and the page that a click opens. */
interface Message {
  readonly title: string;
  readonly body: string;
  readonly hash: string;
}

export class Notifier {
  readonly #options: NotifierOptions;
  /** Those on the screen: a notification that nothing holds takes no click. */
  readonly #shown = new Set<Notification>();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  tell(notice: Notice): void {
    this.#show(this.#messageOf(notice));
  }

  tellStays(): void {
    const { words } = this.#options;
    this.#show({ title: words.staysTitle, body: words.stays, hash: "" });
  }

  tellUpdate(version: string): void {
    const { words } = this.#options;
    this.#show({ title: fill(words.updateTitle, { version }), body: words.update, hash: "#/settings" });
  }

  #messageOf(notice: Notice): Message {
    const { words } = this.#options;
    if (notice.kind === "problem") return { title: words.problemTitle, body: notice.text, hash: "" };
    const { network, names } = notice;
    const [one, many, body] =
      notice.kind === "asked"
        ? [words.askedTitle, words.askedManyTitle, words.asked]
        : [words.joinedTitle, words.joinedManyTitle, words.joined];
    const [name = ""] = names;
    const title =
      names.length === 1
        ? fill(one, { name, network: network.name })
        : fill(many, { count: names.length, network: network.name });
    return { title, body, hash: `#/networks/${encodeURIComponent(network.id)}` };
  }

  #show({ title, body, hash }: Message): void {
    if (!Notification.isSupported() || !this.#options.wanted()) return;
    const notification = new Notification({ title, body });
    const forget = () => this.#shown.delete(notification);
    notification.once("click", () => {
      forget();
      this.#options.open(hash);
    });
    notification.once("close", forget);
    notification.once("failed", forget);
    this.#shown.add(notification);
    notification.show();
  }
}
