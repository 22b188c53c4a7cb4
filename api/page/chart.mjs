/** The chart of a unit: limits, excursions, door openings, gaps, alerts; read by pointer, by keyboard, as a table. */

import { bandOf, lineThrough, roundSteps, rowsOf, scaleOf, timeSteps } from "./axes.mjs";
import { h, put, say, svg } from "./dom.mjs";
import { dateAndClock, duration, fixed, temperature, toShown } from "./format.mjs";
import { excursionsOf, extentOf, gapsOf, isOut, nearest, openBetween, runsOf, thinned } from "./series.mjs";
import { ALERT_TYPES, SEVERITIES, wordOf } from "./words.mjs";

const HEIGHT = 300;
const LEFT = 52;
const RIGHT = 12;
const TOP = 10;
const AXIS = 24;
const ROW = 16;
const MOST_POINTS = 1600;
const NARROWEST = 260;

/**
 * `model`: {points, doors, alerts, limits: {high, low, criticalHigh, criticalLow}, from, to, longest, bucketMs, zone,
 * scale}.
 * Times in ms, temperatures in °C; `longest` is the step beyond which points are not joined.
 */
export class Chart {
  constructor() {
    this.readout = h("p", { class: "readout" });
    this.plot = h("div", {
      class: "plot",
      tabindex: "0",
      role: "slider",
      "aria-label": "Temperature over time",
      "aria-orientation": "horizontal",
    });
    this.legend = h("ul", { class: "legend" });
    this.element = h("figure", { class: "chart" }, this.readout, this.plot, this.legend);
    this.plot.addEventListener("keydown", (event) => this.onKey(event));
    this.plot.addEventListener("pointermove", (event) => this.onPointer(event));
    this.plot.addEventListener("pointerleave", () => this.choose(null));
    this.plot.addEventListener("focus", () => this.choose(this.chosen ?? this.points.length - 1));
    this.plot.addEventListener("blur", () => this.choose(null));
    this.points = [];
    this.observer = new ResizeObserver(
      () => this.model && this.width !== this.plot.clientWidth && this.draw(this.model),
    );
    this.observer.observe(this.plot);
  }

  close() {
    this.observer.disconnect();
  }

  draw(model) {
    this.model = model;
    this.width = this.plot.clientWidth;
    const width = Math.max(this.width, NARROWEST);
    this.points = thinned(model.points, MOST_POINTS);
    const bars = rowsOf(model.alerts, model.to);
    const below = Math.max(0, ...bars.map(({ row }) => row + 1)) * ROW;
    const extent = extentOf(this.points, limitValues(model));
    this.x = scaleOf([model.from, model.to], [LEFT, width - RIGHT]);
    this.y = scaleOf([extent.low, extent.high], [HEIGHT, TOP]);
    this.cursor = svg("g", { class: "cursor" });
    const drawn = svg("svg", {
      viewBox: `0 0 ${width} ${HEIGHT + AXIS + below}`,
      width,
      height: HEIGHT + AXIS + below,
      "aria-hidden": "true",
      focusable: "false",
    });
    drawn.append(hatching(), ...this.layers(width, extent, bars), this.cursor);
    put(this.plot, drawn);
    this.describe();
    put(this.legend, legendOf(model));
  }

  layers(width, extent, bars) {
    const { model, x, y } = this;
    const runs = runsOf(this.points, this.longest());
    const spans = excursionsOf(runsOf(model.points, model.longest), model.limits);
    return [
      ...gapsOf(model.points, model.longest, model.from, model.to).map((span) => this.block(span, "gap")),
      ...model.doors.map((span) => this.door(span)),
      ...spans.map((span) => this.block(span, "out")),
      ...this.verticalAxis(width, extent),
      ...this.timeAxis(width),
      ...this.limitLines(width),
      ...runs.map((run) => svg("path", { d: bandOf(run, x, y), class: "band" })),
      ...runs.map((run) => this.line(run)),
      ...bars.map(({ bar, row }) => this.alertBar(bar, row)),
    ];
  }

  /** Of thinned points neighbours lie further apart than they were measured. */
  longest() {
    const { points, longest, from, to } = this.model;
    return points.length > MOST_POINTS ? Math.max(longest, ((to - from) / MOST_POINTS) * 4) : longest;
  }

  block({ from, to }, name) {
    const start = this.x(Math.max(from, this.model.from));
    const width = Math.max(2, this.x(Math.min(to, this.model.to)) - start);
    return svg("rect", { x: start, width, y: TOP, height: HEIGHT - TOP, class: `block block-${name}` });
  }

  /** A span of several openings is the paler, the less of its time the door stood open. */
  door(span) {
    const to = span.to ?? this.model.to;
    const block = this.block({ from: span.from, to }, "door");
    const share = openBetween([span], span.from, to, to) / Math.max(1, to - span.from);
    if (share < 1) block.setAttribute("opacity", Math.max(0.3, Math.sqrt(share)).toFixed(2));
    return block;
  }

  verticalAxis(width, { low, high }) {
    const { scale } = this.model;
    const steps = roundSteps(toShown(low, scale), toShown(high, scale), 6);
    const back = scaleOf([toShown(low, scale), toShown(high, scale)], [low, high]);
    const digits = steps.length > 1 && steps[1] - steps[0] < 1 ? 1 : 0;
    return steps.flatMap((step) => {
      const y = this.y(back(step));
      return [
        svg("line", { x1: LEFT, x2: width - RIGHT, y1: y, y2: y, class: "grid" }),
        svg("text", { x: LEFT - 6, y: y + 4, class: "tick tick-y" }, `${fixed(step, digits)}°`),
      ];
    });
  }

  timeAxis(width) {
    const { from, to, zone } = this.model;
    return timeSteps(from, to, zone, Math.max(2, Math.floor(width / 90))).flatMap(({ at, text }) => [
      svg("line", { x1: this.x(at), x2: this.x(at), y1: TOP, y2: HEIGHT + 5, class: "grid" }),
      svg("text", { x: this.x(at), y: HEIGHT + 18, class: "tick tick-x" }, text),
    ]);
  }

  limitLines(width) {
    const { high, low, criticalHigh, criticalLow } = this.model.limits;
    const lines = [
      [high, "limit"],
      [low, "limit"],
      [criticalHigh, "limit critical"],
      [criticalLow, "limit critical"],
    ];
    return lines
      .filter(([value]) => value !== null && value !== undefined)
      .map(([value, name]) =>
        svg("line", { x1: LEFT, x2: width - RIGHT, y1: this.y(value), y2: this.y(value), class: name }),
      );
  }

  line(run) {
    if (run.length > 1) return svg("path", { d: lineThrough(run, this.x, this.y), class: "line" });
    return svg("circle", { cx: this.x(run[0].at), cy: this.y(run[0].value), r: 2.5, class: "dot" });
  }

  alertBar(bar, row) {
    const { from, to } = this.model;
    const start = this.x(Math.max(bar.from, from));
    const width = Math.max(6, this.x(Math.min(bar.to ?? to, to)) - start);
    const y = HEIGHT + AXIS + row * ROW + 2;
    const text = `${wordOf(ALERT_TYPES, bar.type)}, ${SEVERITIES[bar.severity].word.toLowerCase()}`;
    return svg(
      "g",
      { class: `is-${bar.severity}` },
      svg("rect", { x: start, y, width, height: ROW - 4, rx: 3, class: "alert-bar" }, svg("title", {}, text)),
    );
  }

  // --- reading values

  describe() {
    const last = this.points.length - 1;
    this.plot.setAttribute("aria-valuemin", "0");
    this.plot.setAttribute("aria-valuemax", String(Math.max(0, last)));
    this.choose(null);
  }

  onKey(event) {
    const last = this.points.length - 1;
    const far = Math.max(1, Math.round(last / 10));
    const steps = {
      ArrowLeft: -1,
      ArrowDown: -1,
      ArrowRight: 1,
      ArrowUp: 1,
      PageDown: -far,
      PageUp: far,
      Home: -last,
      End: last,
    };
    if (!(event.key in steps) || last < 0) return;
    event.preventDefault();
    this.choose(Math.min(last, Math.max(0, (this.chosen ?? last) + steps[event.key])));
  }

  onPointer(event) {
    if (!this.model) return;
    const { left } = this.plot.getBoundingClientRect();
    const back = scaleOf([LEFT, Math.max(this.width, NARROWEST) - RIGHT], [this.model.from, this.model.to]);
    this.choose(nearest(this.points, back(event.clientX - left)));
  }

  choose(place) {
    if (!this.model) return;
    this.chosen = place;
    const point = place === null ? null : this.points[place];
    const text = point
      ? this.textOf(point)
      : this.points.length
        ? summaryOf(this.model)
        : "No temperatures in this time.";
    say(this.readout, text);
    this.plot.setAttribute("aria-valuenow", String(Math.max(0, place ?? this.points.length - 1)));
    this.plot.setAttribute("aria-valuetext", text);
    put(this.cursor, point ? this.cross(point) : []);
  }

  cross(point) {
    const [x, y] = [this.x(point.at), this.y(point.value)];
    return [svg("line", { x1: x, x2: x, y1: TOP, y2: HEIGHT }), svg("circle", { cx: x, cy: y, r: 4 })];
  }

  textOf(point) {
    const { zone, scale, bucketMs, limits, doors, to } = this.model;
    const at = point.at - bucketMs / 2;
    const range = bucketMs ? ` (${temperature(point.low, scale)} to ${temperature(point.high, scale)})` : "";
    const isOpen = doors.some((span) => span.from <= point.at && (span.to ?? Infinity) > point.at);
    const openMs = bucketMs ? openBetween(doors, at, at + bucketMs, to) : 0;
    const openFor = openMs >= 1000 ? `, door open for ${duration(openMs)}` : "";
    const door = bucketMs ? openFor : isOpen ? ", door open" : "";
    const out = isOut(point, limits) ? ", out of limits" : "";
    return `${dateAndClock(at, zone)}: ${temperature(point.value, scale)}${range}${out}${door}`;
  }
}

function limitValues({ limits }) {
  return [limits.high, limits.low, limits.criticalHigh, limits.criticalLow].filter(
    (value) => value !== null && value !== undefined,
  );
}

/** What the picture shows, in one sentence. */
export function summaryOf({ points, limits, longest, from, to, doors, scale }) {
  const low = points.reduce((least, point) => Math.min(least, point.low), Infinity);
  const high = points.reduce((most, point) => Math.max(most, point.high), -Infinity);
  const spans = excursionsOf(runsOf(points, longest), limits);
  const outside = spans.reduce((sum, span) => sum + span.to - span.from, 0);
  const missing = gapsOf(points, longest, from, to).reduce((sum, span) => sum + span.to - span.from, 0);
  const opened = doors.reduce((sum, span) => sum + (span.openings ?? 1), 0);
  const words = [
    `${temperature(low, scale)} to ${temperature(high, scale)}`,
    spans.length ? `out of limits ${times(spans.length)}, ${duration(outside)}` : "never out of limits",
    doors.length ? `door opened ${times(opened)}, ${duration(openBetween(doors, from, to, to))}` : "",
    missing ? `no data for ${duration(missing)}` : "no gaps",
  ];
  return `${words.filter(Boolean).join(" · ")}.`;
}

function times(count) {
  return count === 1 ? "once" : `${count} times`;
}

function legendOf(model) {
  const entries = [
    ["line", "temperature"],
    ["limit", "limits"],
    ["out", "out of limits"],
    ["gap", "no data"],
  ];
  if (model.doors.length) entries.push(["door", "door open"]);
  if (model.bucketMs) entries.splice(1, 0, ["band", "lowest to highest"]);
  if (model.alerts.length) entries.push(["alert", "alerts"]);
  return entries.map(([name, word]) =>
    h("li", {}, h("span", { class: `key key-${name}`, "aria-hidden": "true" }), word),
  );
}

/** Gaps and open doors differ by pattern too, not by colour alone. */
function hatching() {
  const pattern = (id, d) =>
    svg("pattern", { id, width: 8, height: 8, patternUnits: "userSpaceOnUse" }, svg("path", { d, class: id }));
  return svg("defs", {}, pattern("hatch-gap", "M-2 2l4-4M0 8l8-8M6 10l4-4"), pattern("hatch-door", "M4 0v8"));
}
