/** Colours, sizes and habits of the UI kit. */
import type { CSSVariablesResolver } from "@mantine/core";
import { createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "star",
  primaryShade: 6,
  colors: {
    star: [
      "#eff0fe",
      "#dcdefb",
      "#b9bdf6",
      "#959bf1",
      "#7a82ed",
      "#666fe8",
      "#565fe0",
      "#4850c8",
      "#3c43ab",
      "#30368d",
    ],
    dark: [
      "#dce0ea",
      "#b7bdcc",
      "#949cb0",
      "#596175",
      "#353b4a",
      "#282d3a",
      "#1c202a",
      "#151821",
      "#10131a",
      "#0b0d12",
    ],
  },
  fontFamily:
    "ui-sans-serif, -apple-system, 'Segoe UI Variable Text', 'Segoe UI', Roboto, Inter, Cantarell, Ubuntu, 'Noto Sans', 'Liberation Sans', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif",
  fontFamilyMonospace:
    "ui-monospace, 'SF Mono', 'Cascadia Mono', 'Segoe UI Mono', 'Roboto Mono', 'Ubuntu Mono', 'Noto Sans Mono', 'Liberation Mono', monospace",
  defaultRadius: "md",
  respectReducedMotion: true,
  headings: { fontWeight: "650" },
  components: {
    Modal: {
      defaultProps: { centered: true, radius: "lg", overlayProps: { backgroundOpacity: 0.45, blur: 2 } },
    },
    Tooltip: { defaultProps: { openDelay: 350, multiline: true, maw: 320, events: tooltipEvents() } },
    Switch: { defaultProps: { withThumbIndicator: false } },
  },
});

/** The kit's grey for secondary text is too pale to read on white, its soft buttons too loud on black. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5d6576",
    "--mantine-color-default-border": "#dfe2ea",
    "--mantine-color-star-light": "#e9eafd",
    "--mantine-color-star-light-hover": "#dcdefb",
    "--mantine-color-star-light-color": "#3c43ab",
    "--mantine-color-red-light": "#fdeae8",
    "--mantine-color-red-light-hover": "#fadcd9",
    "--mantine-color-red-light-color": "#a82b25",
    "--mantine-color-red-filled": "#c93a33",
    "--mantine-color-red-filled-hover": "#b3312b",
    "--mantine-color-error": "#c0332c",
  },
  dark: {
    "--mantine-color-dimmed": "#949cb0",
    "--mantine-color-default-border": "#343b4b",
    "--mantine-color-star-light": "#262a4a",
    "--mantine-color-star-light-hover": "#2f345c",
    "--mantine-color-star-light-color": "#b9bdf6",
    "--mantine-color-red-light": "#3a2224",
    "--mantine-color-red-light-hover": "#482a2c",
    "--mantine-color-red-light-color": "#f39b95",
    "--mantine-color-red-filled": "#c93a33",
    "--mantine-color-red-filled-hover": "#b3312b",
    "--mantine-color-error": "#f08780",
  },
});

function tooltipEvents() {
  return { hover: true, focus: true, touch: true };
}
