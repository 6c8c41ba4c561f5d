// The metrics, as report, table and benches import them.

export { type C2stOptions, type C2stResult, c2st } from './c2st.ts';
export { boundaryAdherence, ksComplement, ksDistance, rangeCoverage, totalVariation, tvComplement, wasserstein1d } from './columns.ts';
export { baselineProtection, closestDistances, exactCopies, median } from './copies.ts';
export { type EnergyDistanceOptions, energyDistance } from './energy-distance.ts';
export { type MmdOptions, mmdSquared } from './mmd.ts';
export { correlation, correlationSimilarity, type Moments, moments } from './moments.ts';
export { normalisedPathEnergy, pathEnergy, straightness } from './path-energy.ts';
export { type SlicedOptions, slicedWasserstein } from './sliced.ts';
export { mostMatchedPoints, type OptimalPairs, optimalPairs, type TransportOptions, wasserstein1, wasserstein2, wasserstein2Squared } from './transport.ts';
