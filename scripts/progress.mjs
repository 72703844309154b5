// @ts-check
/** What is being done and for how long, on standard error: a ticking line on a terminal, plain lines elsewhere. */

/**
 * Shows any number of steps that run at the same time.
 * @param {NodeJS.WriteStream} stream
 */
export function createProgress(stream = process.stderr) {
  /** @type {Set<Step>} */
  const running = new Set();
  const alive = stream.isTTY === true;
  let turn = 0;
  /** @type {NodeJS.Timeout | undefined} */
  let ticker;

  function draw() {
    const parts = [...running].map((step) => `${step.name} ${seconds(step.begun, 0)}${step.detail}`);
    const line = `${TURNS[turn++ % TURNS.length]} ${parts.join(" · ")}`;
    stream.write(`\r\x1b[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
  }

  function beat() {
    for (const step of running) print(`  ${step.name}: ${seconds(step.begun, 0)}${step.detail}`);
  }

  /** @param {string} line */
  function print(line) {
    stream.write(alive ? `\r\x1b[K${line}\n` : `${line}\n`);
  }

  /** @param {Step} step */
  function remove(step) {
    running.delete(step);
    if (running.size > 0) return;
    clearInterval(ticker);
    ticker = undefined;
  }

  return {
    /** One line that stays. */
    print,

    /**
     * Runs `work` as a named step and shows how long it takes; the work may tell what it is at.
     * @template T
     * @param {string} name
     * @param {(tell: (detail: string) => void) => Promise<T>} work
     * @returns {Promise<T>}
     */
    async step(name, work) {
      /** @type {Step} */
      const step = { name, begun: performance.now(), detail: "" };
      running.add(step);
      if (!alive) print(`… ${name}`);
      ticker ??= alive ? setInterval(draw, 100) : setInterval(beat, 15_000);
      try {
        const value = await work((detail) => {
          step.detail = detail === "" ? "" : ` (${detail})`;
        });
        remove(step);
        print(`✓ ${name} ${seconds(step.begun, 1)}`);
        return value;
      } catch (error) {
        remove(step);
        print(`✗ ${name} ${seconds(step.begun, 1)}`);
        throw error;
      }
    },
  };
}

/** @typedef {{ name: string, begun: number, detail: string }} Step */
/** @typedef {ReturnType<typeof createProgress>} Progress */

/**
 * @param {number} begun
 * @param {number} digits
 */
function seconds(begun, digits) {
  return `${((performance.now() - begun) / 1000).toFixed(digits)} s`;
}

const TURNS = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
