/** Where things stand in a drawing: scales, and round numbers and times along the axes. Pure. */

import { clock, day, zoneOffset } from "./format.mjs";

/** A function from values to places. */
export function scaleOf([from, to], [start, end]) {
  const factor = to === from ? 0 : (end - start) / (to - from);
  return (value) => start + (value - from) * factor;
}

/** Round numbers between two values: 1, 2 or 5 times a power of ten apart, about `count` of them. */
export function roundSteps(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const first = Math.ceil(low / step) * step;
  const many = Math.floor((high - first) / step + 1e-9) + 1;
  return Array.from({ length: Math.max(0, many) }, (_, place) => Number((first + place * step).toPrecision(12)));
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 61, 91].map((n) => n * DAY),
];

/** Round times of the zone's own wall clock between two moments, at most `count`: {at, text}. */
export function timeSteps(from, to, zone, count) {
  const step = STEPS.find((each) => (to - from) / each <= count) ?? STEPS.at(-1);
  const text = step >= DAY ? day : (at, its) => (isMidnight(at, its) ? day(at, its) : clock(at, its));
  const first = Math.ceil((from + zoneOffset(from, zone)) / step) * step;
  const found = [];
  for (let local = first; local - zoneOffset(to, zone) <= to; local += step) {
    const at = momentOf(local, zone);
    if (at >= from && at <= to) found.push({ at, text: text(at, zone) });
  }
  return found;
}

/** The moment at which the zone's wall clock shows `local` (as if it were UTC); right through changes of the clock. */
function momentOf(local, zone) {
  const guess = local - zoneOffset(local, zone);
  return local - zoneOffset(guess, zone);
}

function isMidnight(at, zone) {
  return (at + zoneOffset(at, zone)) % DAY === 0;
}

/** A path through points, `x` and `y` from values to places. */
export function lineThrough(points, x, y) {
  return points.map((p, n) => `${n ? "L" : "M"}${x(p.at).toFixed(1)} ${y(p.value).toFixed(1)}`).join("");
}

/** The band between the lowest and the highest of each point. */
export function bandOf(points, x, y) {
  if (points.length < 2) return "";
  const above = points.map((p) => `${x(p.at).toFixed(1)} ${y(p.high).toFixed(1)}`);
  const below = points.map((p) => `${x(p.at).toFixed(1)} ${y(p.low).toFixed(1)}`).reverse();
  return `M${[...above, ...below].join("L")}Z`;
}

/** Rows for bars that overlap in time: the first row that is free again. Returns [{bar, row}]. */
export function rowsOf(bars, to) {
  const ends = [];
  const ordered = [...bars].sort((a, b) => a.from - b.from);
  return ordered.map((bar) => {
    const free = ends.findIndex((end) => end <= bar.from);
    const row = free < 0 ? ends.length : free;
    ends[row] = bar.to ?? to;
    return { bar, row };
  });
}
