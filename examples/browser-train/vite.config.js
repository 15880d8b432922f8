import { defineConfig } from "vite";

// The package is linked from the folder above: taken as installed, it is served like any other. Not needed elsewhere.
export default defineConfig({ base: "./", resolve: { preserveSymlinks: true } });
