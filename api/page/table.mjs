/** The values of a chart as a table: for whoever does not see the chart, or wants the numbers. */

import { h } from "./dom.mjs";
import { dateAndClock, temperature } from "./format.mjs";
import { isOut, thinned } from "./series.mjs";

const MOST_ROWS = 200;

/** Newest first, at most 200 rows: of more, those with the lowest and highest values of their time. */
export function tableOf({ points, limits, zone, scale, bucketMs }) {
  const rows = thinned(points, MOST_ROWS).toReversed();
  const columns = ["Time", "Temperature", ...(bucketMs ? ["Lowest", "Highest"] : []), "Limits"];
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
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, dateAndClock(point.at - bucketMs / 2, zone)),
      h("td", {}, temperature(point.value, scale)),
      extremes,
      h("td", {}, isOut(point, limits) ? "out" : "inside"),
    );
  }
}
