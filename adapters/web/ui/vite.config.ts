import { defineConfig } from "vite";

// One script and one style sheet with fixed names: the server's template names them, and their ETags keep caches honest.
export default defineConfig({
  build: {
    outDir: "../static/bundle",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      input: "src/main.tsx",
      output: { entryFileNames: "page.js", assetFileNames: "page.[ext]" },
    },
  },
});
