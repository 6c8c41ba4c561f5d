// The public surface: re-exports only. Flow matching in Node.js: train on rows of numbers, sample, save, export to ONNX.
// Convention everywhere: t = 0 is the source (noise), t = 1 is the data, dx/dt = v(t, x).
/// <reference lib="esnext.disposable" preserve="true" />

export type { Coupling, CustomCoupling, OptimalCoupling } from './couplings/coupling.ts';
export { type CouplingName, defineCoupling, independent } from './couplings/couplings.ts';
export { type Regularisation, type SinkhornOptions, sinkhorn, type UnbalancedOTOptions, unbalancedOT } from './couplings/entropic.ts';
export { type MinibatchOTOptions, minibatchOT, type PartialOTOptions, partialOT } from './couplings/optimal.ts';
export type { Labels, SamplingCondition, TrainingCondition } from './data/condition.ts';
export { Dataset, type DatasetOptions } from './data/dataset.ts';
export { type SyntheticDensity, syntheticDensity } from './data/densities.ts';
export type { Columns, Matrix } from './data/rows.ts';
export { type Synthetic, synthetic, syntheticVersions } from './data/synthetic.ts';
export { type SyntheticName, syntheticNames } from './data/synthetic-names.ts';
export { FlowError, type FlowErrorCode, type FlowErrorFields } from './errors.ts';
export { adaptive, type Loss, mse, pseudoHuber } from './losses/loss.ts';
export { meanFlow, type Objective, scoreAndFlow, shortcut } from './losses/objective.ts';
export { edm, type LossWeight, minSNR } from './losses/weight.ts';
export { type C2stOptions, type C2stResult, c2st } from './metrics/c2st.ts';
export { type EnergyDistanceOptions, energyDistance } from './metrics/energy-distance.ts';
export { type MmdOptions, mmdSquared } from './metrics/mmd.ts';
export { normalisedPathEnergy, pathEnergy, straightness } from './metrics/path-energy.ts';
export { type SlicedOptions, slicedWasserstein } from './metrics/sliced.ts';
export { type OptimalPairs, optimalPairs, type TransportOptions, wasserstein1, wasserstein2, wasserstein2Squared } from './metrics/transport.ts';
export type { BatchOptions } from './model/batches.ts';
export { exportOnnx, type OnnxExportOptions } from './model/export-onnx.ts';
export type { ModelInfo } from './model/info.ts';
export { Model } from './model/model.ts';
export type { ModelRecord, Normaliser, PathRecord } from './model/record.ts';
export { type Info, info } from './native/info.ts';
export type { Guidance } from './network/guidance.ts';
export { type MlpOptions, mlp, type TimeOptions } from './network/mlp.ts';
export type { ConditionSpec, MlpSpec, NetworkSpec, TimeSpec } from './network/spec.ts';
export { inspectOnnx, type OnnxInfo, type OnnxValue } from './onnx/inspect.ts';
export { adamw } from './optimisers/adamw.ts';
export type { AdamW, Schedule } from './optimisers/optimiser.ts';
export { constant, linear, warmupCosine } from './optimisers/schedules.ts';
export type { AffinePath } from './paths/affine.ts';
export { type CondOTPath, condOT } from './paths/cond-ot.ts';
export { conversion, convert } from './paths/convert.ts';
export { cosine } from './paths/cosine.ts';
export { definePath, type PathDefinition } from './paths/custom.ts';
export type { Diffusion } from './paths/diffusion.ts';
export type { Prediction } from './paths/frame.ts';
export { type InterpolantGamma, type InterpolantOptions, type InterpolantShape, interpolant } from './paths/interpolant.ts';
export { linearVP } from './paths/linear-vp.ts';
export type { Conversion, PredictionKind } from './paths/mix.ts';
export type { Path, PathPoint } from './paths/path.ts';
export { polynomial } from './paths/polynomial.ts';
export { schrodingerBridge } from './paths/schrodinger-bridge.ts';
export { ve } from './paths/ve.ts';
export { vp } from './paths/vp.ts';
export { bars, frames, heatMap, histogram, lossCurve, type Picture, pairs, scatter, toHtml, toPng, toSvg, trajectories, writePicture } from './plot/index.ts';
export type { SamplingPrecision, TrainingPrecision } from './precision.ts';
export type { DensityOptions, DensityResult } from './sampling/density.ts';
export { type OnnxSampleOptions, OnnxSampler } from './sampling/onnx.ts';
export { loadOnnx, type OnnxLoadOptions } from './sampling/onnx-load.ts';
export type { IntegrateOptions, SampleOptions, SampleResult } from './sampling/options.ts';
export type { ScoreOptions, ScoreResult } from './sampling/score.ts';
export { type RowStatus, rowStatus } from './sampling/status.ts';
export { type AdaptiveOptions, defineSolver, type FixedOptions, type SolverFactory, type SolverOptions } from './solvers/define.ts';
export { type EdmGridOptions, edmGrid, type PowerGridOptions, powerGrid, uniformGrid } from './solvers/grids.ts';
export { fading, memoryless, type NoiseOption, type NoisePoint, type NoiseSchedule, proportional } from './solvers/noise.ts';
export type { Solver, StepControl, Tableau } from './solvers/solver.ts';
export {
  bosh3,
  dopri5,
  dopri8,
  euler,
  eulerMaruyama,
  heun,
  midpoint,
  ralston,
  rk4,
  rk4ThreeEighths,
  type SolverName,
  stochasticHeun,
  tsit5,
} from './solvers/solvers.ts';
export type { StochasticFactory, StochasticOptions } from './solvers/stochastic.ts';
export type { Value } from './table/codec.ts';
export { tableDefaults } from './table/defaults.ts';
export { fitTable, type TableTrainOptions } from './table/fit.ts';
export type { PrepareOptions } from './table/prepare.ts';
export { sampleTable, type TableBatch, type TableSampleOptions } from './table/sample.ts';
export type { SchemaOptions } from './table/schema.ts';
export { beta, edmSkew, power, uShaped } from './times/laws.ts';
export type { TimeLaw } from './times/time-law.ts';
export { defineTime, type LawOptions, logitNormal, shift, stratified, uniform } from './times/times.ts';
export type { CheckpointOptions, Progress, Resumed, SourceRows, TrainOptions } from './training/options.ts';
export { type DistilOptions, distil, type ReflowOptions, reflow } from './training/reflow.ts';
export { train } from './training/train.ts';
export { Trainer, type TrainerState } from './training/trainer.ts';
export { version } from './version.ts';
