/** What a unit measured in a range: fetched, kept up with the feed, and made into what the chart draws. */

import { isOpen } from "./fleet.mjs";
import { BUCKET_MS, doorsOf, longestStep, openingsOf, pointsOf, resolutionOf } from "./series.mjs";

const HOUR = 3_600_000;
export const RANGE_MS = {
  "1h": HOUR,
  "6h": 6 * HOUR,
  "24h": 24 * HOUR,
  "7d": 7 * 24 * HOUR,
  "30d": 30 * 24 * HOUR,
  "90d": 90 * 24 * HOUR,
  "1y": 365 * 24 * HOUR,
};
/** The most that the API gives in one answer: two sensors that speak every ten seconds, for a day. */
const MOST_ROWS = 20_000;

/** Everything that the page of a unit shows of a range, in one go. */
export async function loadHistory(client, unitId, range, now) {
  const [rows, sensors, doors, figures] = await Promise.all([
    client.readings(unitId, { range, limit: MOST_ROWS }),
    client.sensorsOf(unitId),
    resolutionOf(range) === null ? null : client.doors(unitId, { range }), // else the readings tell
    loadFigures(client, unitId, range, now),
  ]);
  return { range, rows, sensors, doors, ...figures };
}

/** What the range amounts to, and its alerts. */
export async function loadFigures(client, unitId, range, now) {
  const from = new Date(now - RANGE_MS[range]).toISOString();
  const [statistics, alerts] = await Promise.all([
    client.statistics(unitId, { range }),
    client.unitAlerts(unitId, { from, limit: 200 }),
  ]);
  return { statistics, alerts };
}

/** The history with readings that came by the feed; each counts once, whatever comes twice. */
export function withReadings(history, fresh) {
  if (resolutionOf(history.range) !== null) return history;
  const key = (row) => `${row.recordedAt} ${row.sensorId}`;
  const known = new Set(history.rows.slice(0, 500).map((row) => comparable(key(row))));
  const added = fresh.filter((row) => !known.has(comparable(key(row))));
  return added.length ? { ...history, rows: [...added, ...history.rows] } : history;
}

/** The same moment may be written with or without fractions. */
function comparable(key) {
  return key.replace(/\.0+Z/, "Z").replace(/(\.\d*?)0+Z/, "$1Z");
}

/** The model of the chart (see chart.mjs) as of `now`. */
export function modelOf(history, unit, openAlerts, { now, scale }) {
  const bucketMs = BUCKET_MS[resolutionOf(history.range)] ?? 0;
  const from = now - RANGE_MS[history.range];
  const primary = history.sensors.find((sensor) => sensor.isPrimary)?.id ?? null;
  const own = pointsOf(history.rows, bucketMs, primary);
  const points = (own.length ? own : pointsOf(history.rows, bucketMs)).filter((point) => point.at >= from);
  const { limits } = unit;
  return {
    points,
    doors: (history.doors ? openingsOf(history.doors) : doorsOf(history.rows)).filter(
      (span) => (span.to ?? now) >= from,
    ),
    alerts: barsOf(history.alerts, openAlerts, from),
    limits: {
      high: limits.high.value,
      low: limits.low.value,
      criticalHigh: limits.criticalHigh.value,
      criticalLow: limits.criticalLow.value,
    },
    from,
    to: now,
    longest: longestStep(bucketMs, unit.intervalSeconds),
    bucketMs,
    zone: unit.zone,
    scale,
  };
}

function barsOf(past, open, from) {
  const all = new Map([...past.filter((alert) => !isOpen(alert)), ...open].map((alert) => [alert.id, alert]));
  return [...all.values()]
    .map((alert) => ({
      from: Date.parse(alert.openedAt),
      to: alert.resolvedAt ? Date.parse(alert.resolvedAt) : null,
      type: alert.alertType,
      severity: alert.severity,
    }))
    .filter((bar) => bar.to === null || bar.to >= from);
}
