// The kernels' specs; `npm run test:kernels` runs them in every build (assembly/__tests__/*.asconfig.json).
export default {
  entries: ["assembly/__tests__/*.spec.ts"],
  include: [],
  disclude: [/node_modules/],
  instantiate: (memory, createImports, instantiate, binary) => instantiate(binary, createImports({ env: { memory } })),
  outputBinary: false,
};
