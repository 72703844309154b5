/** Colours of the graph: a canvas knows no style sheet. */

export type GraphPalette = (typeof palettes)["light" | "dark"];

/** By colour scheme. */
export const palettes = {
  light: {
    self: "#565fe0",
    router: "#8a5a00",
    text: "#2b3040",
    paper: "#ffffff",
    faint: "rgba(120, 128, 145, 0.13)",
    states: {
      connected: "#1f9d6b",
      idle: "#7fbfa5",
      connecting: "#565fe0",
      unreachable: "#d6453d",
      offline: "#b4bac6",
    },
    paces: {
      quick: "rgba(31, 157, 107, 0.7)",
      medium: "rgba(199, 127, 14, 0.75)",
      slow: "rgba(201, 58, 51, 0.75)",
      unmeasured: "rgba(120, 128, 145, 0.6)",
    },
  },
  dark: {
    self: "#7a82ed",
    router: "#e8b04a",
    text: "#dce0ea",
    paper: "#1c202a",
    faint: "rgba(148, 156, 176, 0.1)",
    states: {
      connected: "#3fbd8a",
      idle: "#3b7d63",
      connecting: "#959bf1",
      unreachable: "#ef6a62",
      offline: "#596175",
    },
    paces: {
      quick: "rgba(63, 189, 138, 0.65)",
      medium: "rgba(232, 168, 56, 0.7)",
      slow: "rgba(240, 110, 100, 0.75)",
      unmeasured: "rgba(148, 156, 176, 0.55)",
    },
  },
} as const;
