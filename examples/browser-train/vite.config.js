// The package is linked from the folder above: taken as installed, it is served like any other. Not needed elsewhere.
export default { base: "./", resolve: { preserveSymlinks: true } };
