/** Standard output for results, standard error for everything said beside them. */
import type { Cell, Colour } from "./text.ts";
import { printable, tableLines } from "./text.ts";

export interface Terminal {
  /** A line of the result. */
  print(line: string): void;
  /** A line for the person, also while the result goes into a pipe. */
  note(line: string): void;
  /** What is being done; replaced by the next line, shown only where somebody watches. */
  progress(line: string): void;
  table(headings: readonly string[], rows: readonly (readonly Cell[])[]): void;
  json(value: unknown): void;
  /** Dark on light for the person, whatever colours the terminal has. */
  picture(lines: readonly string[]): void;
  paint(text: string, colour: Colour): string;
}

/** The part of a stream that the terminal writes to. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export interface TerminalOptions {
  readonly output: Output;
  readonly errors: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function createTerminal({ output, errors, environment }: TerminalOptions): Terminal {
  const coloured =
    output.isTTY === true && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  const watched = errors.isTTY === true && environment["TERM"] !== "dumb";
  let progressShown = false;
  const clear = () => {
    if (progressShown) errors.write(clearLine);
    progressShown = false;
  };
  const print = (line: string) => {
    clear();
    output.write(`${printable(line)}\n`);
  };
  const paint = (text: string, colour: Colour) =>
    coloured ? `\u001b[${colourCodes[colour]}m${text}\u001b[0m` : text;
  return {
    print,
    note(line) {
      clear();
      errors.write(`${printable(line)}\n`);
    },
    progress(line) {
      if (!watched) return;
      clear();
      errors.write(`${printable(line)} …`);
      progressShown = true;
    },
    table(headings, rows) {
      for (const line of tableLines(headings, rows, paint)) print(line);
    },
    picture(lines) {
      clear();
      for (const line of lines) errors.write(watched ? `\u001b[30;107m${line}\u001b[0m\n` : `${line}\n`);
    },
    json: (value) => print(JSON.stringify(value, null, 2)),
    paint,
  };
}

const clearLine = "\r\u001b[2K";
const colourCodes: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };
