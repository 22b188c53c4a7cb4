/** The values of a chart as a table: for whoever does not see the chart, or wants the numbers. */

import { h } from "./dom.mjs";
import { dateAndClock, duration, temperature } from "./format.mjs";
import { isOut, openBetween, thinned } from "./series.mjs";

const MOST_ROWS = 200;

/** Newest first, at most 200 rows: of more, those with the lowest and highest values of their time. */
export function tableOf({ points, doors, limits, zone, scale, bucketMs, to }) {
  const rows = thinned(points, MOST_ROWS).toReversed();
  const hasDoors = bucketMs > 0 && doors.length > 0;
  const more = [...(bucketMs ? ["Lowest", "Highest"] : []), ...(hasDoors ? ["Door open"] : [])];
  const columns = ["Time", "Temperature", ...more, "Limits"];
  const heads = columns.map((word) => h("th", { scope: "col" }, word));
  const note = rows.length < points.length ? ` ${rows.length} of ${points.length} readings, with every extreme.` : "";
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Temperatures" },
    h(
      "table",
      {},
      h("caption", {}, `Temperatures, newest first.${note}`),
      h("thead", {}, h("tr", {}, heads)),
      h("tbody", {}, rows.map(rowOf)),
    ),
  );

  function rowOf(point) {
    const extremes = bucketMs
      ? [h("td", {}, temperature(point.low, scale)), h("td", {}, temperature(point.high, scale))]
      : [];
    const begin = point.at - bucketMs / 2;
    const door = hasDoors ? h("td", {}, duration(openBetween(doors, begin, begin + bucketMs, to))) : null;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, dateAndClock(begin, zone)),
      h("td", {}, temperature(point.value, scale)),
      extremes,
      door,
      h("td", {}, isOut(point, limits) ? "out" : "inside"),
    );
  }
}
