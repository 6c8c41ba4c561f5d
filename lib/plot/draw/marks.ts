// The functions of Observable Plot that pictures use, named one by one so that a bundler drops the rest.

import { areaY, axisFy, axisX, axisY, barX, cell, dot, gridX, gridY, line, link, plot, ruleX, ruleY, text } from '@observablehq/plot';
import type { PlotLibrary } from './kit.ts';

export const marks = { areaY, axisFy, axisX, axisY, barX, cell, dot, gridX, gridY, line, link, plot, ruleX, ruleY, text } as unknown as PlotLibrary;
