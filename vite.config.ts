import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The pages: the same build is shown in the window and served to browsers. */
export default defineConfig({
  root: "src-renderer",
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../out/renderer",
    emptyOutDir: true,
    target: "es2023",
    // One page per product: a warning about its size would be shown at every build and change nothing.
    chunkSizeWarningLimit: 2000,
  },
});
