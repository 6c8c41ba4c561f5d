// Reports: a table model held against the real table.

export type { ColumnMeasure, Measures, MissingValue } from './measures.ts';
export { type Report, type ReportOptions, report, writeReport } from './report.ts';
export { type Standing, type Verdict, worstColumn } from './verdicts.ts';
