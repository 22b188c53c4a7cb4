/** From readings and buckets to what can be drawn: points, lines that stop at gaps, spans. Pure; times in ms, °C. */

export const BUCKET_MS = { "5m": 300_000, "1h": 3_600_000, "1d": 86_400_000 };

/** The step between the points of a range as the API chooses it (`auto`): null is raw. */
export function resolutionOf(range) {
  return { "1h": null, "6h": null, "24h": null, "7d": "1h", "30d": "1h", "90d": "1d", "1y": "1d" }[range];
}

/** Temperatures, oldest first: {at, value, low, high}. A fault is no temperature. A bucket stands at its middle. */
export function pointsOf(rows, bucketMs = 0, sensorId = null) {
  return rows
    .filter((row) => row.temperature !== null && row.temperature !== undefined)
    .filter((row) => sensorId === null || row.sensorId === undefined || row.sensorId === sensorId)
    .map((row) => ({
      at: Date.parse(row.recordedAt) + bucketMs / 2,
      value: row.temperature,
      low: row.temperatureMin ?? row.temperature,
      high: row.temperatureMax ?? row.temperature,
    }))
    .sort((a, b) => a.at - b.at);
}

/** How far apart two points may lie and still be joined: a missed check-in is a gap, as the daemon counts it. */
export function longestStep(bucketMs, intervalSeconds) {
  return bucketMs ? bucketMs * 1.5 : (intervalSeconds ?? 300) * 1000 + 30_000;
}

/** Runs of points without a gap between them. */
export function runsOf(points, longest) {
  const runs = [];
  for (const point of points) {
    const run = runs.at(-1);
    if (run && point.at - run.at(-1).at <= longest) run.push(point);
    else runs.push([point]);
  }
  return runs;
}

/** The spans from `from` to `to` in which nothing was measured, longer than `longest`. */
export function gapsOf(points, longest, from, to) {
  const inside = points.map((point) => point.at).filter((at) => at >= from && at <= to);
  const edges = [from, ...inside, to];
  const pairs = edges.slice(1).map((end, place) => ({ from: edges[place], to: end }));
  return pairs.filter((span) => span.to - span.from > longest);
}

export function isOut(point, { high, low }) {
  return point.high > high || point.low < low;
}

/** Spans out of limits: from the first point that is out to the one that is back, never across a gap. */
export function excursionsOf(runs, limits) {
  const spans = [];
  for (const run of runs) {
    let open = null;
    for (const point of run) {
      if (isOut(point, limits)) open ??= { from: point.at, to: point.at, extreme: point.value };
      if (open) extend(open, point, limits);
      if (open && !isOut(point, limits)) open = spans.push(open) && null;
    }
    if (open) spans.push(open);
  }
  return spans;
}

function extend(span, point, { high, low }) {
  const beyond = (value) => Math.max(value - high, low - value);
  span.to = point.at;
  for (const value of [point.high, point.low]) if (beyond(value) > beyond(span.extreme)) span.extreme = value;
}

/** Spans in which a door stood open, from raw readings of any sensor of the unit; null as `to`: it still does. */
export function doorsOf(rows) {
  const spans = [];
  const open = new Map();
  const told = rows.filter((row) => typeof row.doorOpen === "boolean");
  told.sort((a, b) => Date.parse(a.recordedAt) - Date.parse(b.recordedAt));
  for (const row of told) {
    const span = open.get(row.sensorId);
    if (row.doorOpen && !span) open.set(row.sensorId, opened(spans, row));
    if (!row.doorOpen && span) {
      span.to = Date.parse(row.recordedAt);
      open.delete(row.sensorId);
    }
  }
  return spans;
}

/** The same from `GET /units/{id}/doors`: a span may hold several openings, and was open for `openMs` of its time. */
export function openingsOf(rows) {
  return rows.map((row) => ({
    from: Date.parse(row.from),
    to: row.to === null ? null : Date.parse(row.to),
    openings: row.openings,
    openMs: row.openSeconds * 1000,
  }));
}

/** For how long doors stood open between two moments, in ms; of a span with pauses, its share. */
export function openBetween(doors, from, to, now) {
  return doors.reduce((sum, span) => {
    const end = span.to ?? now;
    const inside = Math.min(end, to) - Math.max(span.from, from);
    const share = span.openMs === undefined || end <= span.from ? 1 : span.openMs / (end - span.from);
    return inside > 0 ? sum + inside * Math.min(1, share) : sum;
  }, 0);
}

function opened(spans, row) {
  const span = { from: Date.parse(row.recordedAt), to: null };
  spans.push(span);
  return span;
}

/** At most `most` points: of every column the lowest and the highest stay, so that no peak is lost. */
export function thinned(points, most) {
  if (points.length <= most) return points;
  const columns = Math.max(1, Math.floor(most / 2));
  const from = points[0].at;
  const width = (points.at(-1).at - from) / columns || 1;
  const kept = [];
  let column = [];
  let number = 0;
  for (const point of points) {
    const its = Math.min(columns - 1, Math.floor((point.at - from) / width));
    if (its !== number) kept.push(...extremesOf(column));
    if (its !== number) [column, number] = [[], its];
    column.push(point);
  }
  return [...kept, ...extremesOf(column)];
}

function extremesOf(column) {
  if (column.length < 3) return column;
  const lowest = column.reduce((a, b) => (b.low < a.low ? b : a));
  const highest = column.reduce((a, b) => (b.high > a.high ? b : a));
  if (lowest === highest) return [lowest];
  return lowest.at < highest.at ? [lowest, highest] : [highest, lowest];
}

/** The lowest and highest of points and limits, with room around them; never a flat line. */
export function extentOf(points, marks) {
  const values = [...points.flatMap((point) => [point.low, point.high]), ...marks];
  if (!values.length) return { low: 0, high: 10 };
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const room = Math.max((high - low) * 0.08, 0.5);
  return { low: low - room, high: high + room };
}

/** The nearest point to a moment; null where there are none. Points are in order, so halves do. */
export function nearest(points, at) {
  if (!points.length) return null;
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].at < at) low = middle + 1;
    else high = middle;
  }
  const before = Math.max(0, low - 1);
  return at - points[before].at < points[low].at - at ? before : low;
}
