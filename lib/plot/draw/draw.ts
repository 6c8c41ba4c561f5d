// Picture -> SVG element, by kind. Runs in Node with linkedom's document and in a browser with its own.

import type { Picture } from '../picture.ts';
import { drawBars, drawHistogram, drawLoss } from './columns.ts';
import type { Kit, Svg } from './kit.ts';
import { drawHeatMap, drawPairs } from './matrix.ts';
import { drawFrames, drawScatter, drawTrajectories } from './points.ts';

/** `opaque` paints the background, for files that stand alone. */
export function draw(kit: Kit, picture: Picture, opaque: boolean): Svg {
  switch (picture.kind) {
    case 'scatter':
      return drawScatter(kit, picture, opaque);
    case 'trajectories':
      return drawTrajectories(kit, picture, opaque);
    case 'frames':
      return drawFrames(kit, picture, opaque);
    case 'loss':
      return drawLoss(kit, picture, opaque);
    case 'histogram':
      return drawHistogram(kit, picture, opaque);
    case 'bars':
      return drawBars(kit, picture, opaque);
    case 'pairs':
      return drawPairs(kit, picture, opaque);
    case 'heatMap':
      return drawHeatMap(kit, picture, opaque);
  }
}
