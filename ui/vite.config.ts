import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `everytoken serve` answers /everytoken/v1 and the built page; in development Vite serves the page and passes the rest on.
const server = process.env.EVERYTOKEN_URL ?? "http://127.0.0.1:8700";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/everytoken/server/static",
    emptyOutDir: true,
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/everytoken": server } },
  test: { environment: "happy-dom" },
});
