// The public surface: re-exports only. Flow matching in Node.js: train on rows of numbers, sample, save, export to ONNX.
// Convention everywhere: t = 0 is the source (noise), t = 1 is the data, dx/dt = v(t, x).

export type { Coupling, CustomCoupling } from './couplings/coupling.ts';
export { defineCoupling, independent } from './couplings/couplings.ts';
export type { Labels, SamplingCondition, TrainingCondition } from './data/condition.ts';
export { Dataset, type DatasetOptions } from './data/dataset.ts';
export type { Columns, Matrix } from './data/rows.ts';
export { type Synthetic, type SyntheticName, synthetic, syntheticNames } from './data/synthetic.ts';
export { FlowError, type FlowErrorCode, type FlowErrorFields } from './errors.ts';
export { exportOnnx, type OnnxExportOptions } from './model/export-onnx.ts';
export { type BatchOptions, Model, type ModelInfo } from './model/model.ts';
export type { ModelRecord, Normaliser, PathRecord } from './model/record.ts';
export { type Info, info } from './native/info.ts';
export { type MlpOptions, mlp, type TimeOptions } from './network/mlp.ts';
export type { ConditionSpec, MlpSpec, NetworkSpec, TimeSpec } from './network/spec.ts';
export { inspectOnnx, type OnnxInfo, type OnnxValue } from './onnx/inspect.ts';
export { adamw } from './optimisers/adamw.ts';
export type { AdamW, Schedule } from './optimisers/optimiser.ts';
export { constant, linear, warmupCosine } from './optimisers/schedules.ts';
export { condOT } from './paths/cond-ot.ts';
export { definePath, type PathDefinition } from './paths/custom.ts';
export type { Path, PathPoint } from './paths/path.ts';
export { bars, frames, heatMap, histogram, lossCurve, type Picture, pairs, scatter, toHtml, toPng, toSvg, trajectories, writePicture } from './plot/index.ts';
export type { IntegrateOptions, SampleOptions, SampleResult } from './sampling/native.ts';
export { loadOnnx, type OnnxLoadOptions, type OnnxSampleOptions, OnnxSampler } from './sampling/onnx.ts';
export { defineSolver, type SolverFactory, type SolverOptions } from './solvers/define.ts';
export type { Solver, Tableau } from './solvers/solver.ts';
export { euler, heun, midpoint, ralston, rk4, rk4ThreeEighths, type SolverName } from './solvers/solvers.ts';
export type { TimeLaw } from './times/time-law.ts';
export { defineTime, logitNormal, stratified, uniform } from './times/times.ts';
export type { CheckpointOptions, Progress, Resumed, SourceRows, TrainOptions } from './training/options.ts';
export { train } from './training/train.ts';
export { Trainer, type TrainerState } from './training/trainer.ts';
export { version } from './version.ts';
