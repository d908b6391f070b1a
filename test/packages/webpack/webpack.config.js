export default {
  mode: 'production',
  entry: './src/index.js',
  output: { path: `${import.meta.dirname}/public`, filename: 'main.js', trustedTypes: true },
};
