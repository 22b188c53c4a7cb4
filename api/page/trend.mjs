/** The small line of 24 hours on a tile: limits, range, gaps; no axes. */

import { lineThrough, bandOf, scaleOf } from "./axes.mjs";
import { svg } from "./dom.mjs";
import { temperature } from "./format.mjs";
import { extentOf, runsOf } from "./series.mjs";

const WIDTH = 200;
const HEIGHT = 44;
const DAY = 86_400_000;

/** The drawing for a unit and its trend ({points, bucketMs} or null), ending now. */
export function trendOf(unit, trend, now, scale) {
  const points = (trend?.points ?? []).filter((point) => point.at > now - DAY);
  const { high, low } = unit.limits;
  const marks = [high.value, low.value].filter((value) => value !== null);
  const extent = extentOf(points, points.length ? nearMarks(points, marks) : marks);
  const x = scaleOf([now - DAY, now], [0, WIDTH]);
  const y = scaleOf([extent.low, extent.high], [HEIGHT, 0]);
  const runs = runsOf(points, (trend?.bucketMs ?? 0) * 2.5);
  return svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      class: "trend",
      role: "img",
      "aria-label": labelOf(points, scale),
      preserveAspectRatio: "none",
    },
    marks.map((value) => svg("line", { x1: 0, x2: WIDTH, y1: y(value), y2: y(value), class: "trend-limit" })),
    runs.map((run) => svg("path", { d: bandOf(run, x, y), class: "trend-band" })),
    runs.map((run) => lineOf(run, x, y)),
  );
}

/** A limit far away from everything measured would press the line flat: it is left out of the picture. */
function nearMarks(points, marks) {
  const { low, high } = extentOf(points, []);
  const reach = Math.max(high - low, 4);
  return marks.filter((value) => value > low - reach && value < high + reach);
}

function lineOf(run, x, y) {
  if (run.length > 1) return svg("path", { d: lineThrough(run, x, y), class: "trend-line" });
  const [{ at, value }] = run;
  return svg("path", { d: `M${x(at) - 1} ${y(value)}h2`, class: "trend-line" });
}

function labelOf(points, scale) {
  if (!points.length) return "No readings in the last 24 hours";
  const lowest = Math.min(...points.map((point) => point.low));
  const highest = Math.max(...points.map((point) => point.high));
  return `Last 24 hours: ${temperature(lowest, scale)} to ${temperature(highest, scale)}`;
}
