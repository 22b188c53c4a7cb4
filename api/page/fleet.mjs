/** The organization in memory: what the API said last, by id. Pure: every function returns what it makes. */

import { shownStatus } from "./freshness.mjs";
import { OPEN_STATUSES, statusOf } from "./words.mjs";

/**
 * One fleet from the answers of the API. `tree` names sites and areas, `sites` has the time zones, `sensors` the
 * intervals and who waits for a unit.
 */
export function makeFleet({ organization, sites, tree, units, sensors, alerts }) {
  const zones = new Map(sites.map((site) => [site.id, site.timezone ?? organization.timezone]));
  const places = placesOf(tree);
  const intervals = intervalsOf(sensors);
  return {
    organization,
    sites: tree.map((site) => ({ id: site.id, name: site.name, zone: zones.get(site.id) ?? organization.timezone })),
    units: new Map(units.map((unit) => [unit.id, makeUnit(unit, places, zones, intervals)])),
    alerts: new Map(alerts.filter(isOpen).map((alert) => [alert.id, alert])),
    pending: sensors.filter((sensor) => sensor.unitId === null),
  };
}

function placesOf(tree) {
  const areas = tree.flatMap((site) => site.areas.map((area) => [area.id, { site: site.name, area: area.name }]));
  return new Map(areas);
}

/** A unit follows its primary sensor; one that has none, the sensor that speaks most often. */
function intervalsOf(sensors) {
  const found = new Map();
  for (const sensor of sensors.filter((each) => each.unitId !== null)) {
    const known = found.get(sensor.unitId);
    const seconds = sensor.reportIntervalSeconds;
    if (!known || sensor.isPrimary || (!known.primary && seconds < known.seconds)) {
      found.set(sensor.unitId, { seconds, primary: sensor.isPrimary });
    }
  }
  return found;
}

function makeUnit(unit, places, zones, intervals) {
  const place = places.get(unit.areaId) ?? { site: "", area: "" };
  return {
    ...unit,
    siteName: place.site,
    areaName: place.area,
    zone: zones.get(unit.siteId) ?? "UTC",
    intervalSeconds: intervals.get(unit.id)?.seconds ?? null,
    lastReadingAt: instant(unit.lastReadingAt),
    statusSince: instant(unit.statusSince),
  };
}

function instant(text) {
  return text === null || text === undefined ? null : Date.parse(text);
}

const LIVING = ["status", "temperatureState", "dataState", "doorOpen", "lastTemperature"];

/**
 * The unit with what a frame says of it; null where the fleet does not know the unit (it is new: ask again). A frame
 * that is older than what is known changes no reading.
 */
export function patchedUnit(fleet, patch) {
  const unit = fleet.units.get(patch.id);
  if (!unit) return null;
  const at = instant(patch.lastReadingAt);
  const living = LIVING.filter((name) => patch[name] !== undefined);
  const changes = Object.fromEntries(living.map((name) => [name, patch[name]]));
  if (at !== null && unit.lastReadingAt !== null && at < unit.lastReadingAt) delete changes.lastTemperature;
  return {
    ...unit,
    ...changes,
    lastReadingAt: Math.max(at ?? 0, unit.lastReadingAt ?? 0) || null,
    statusSince: patch.statusSince === undefined ? unit.statusSince : instant(patch.statusSince),
  };
}

export function isOpen(alert) {
  return OPEN_STATUSES.includes(alert.status);
}

/** The open alerts of each unit, made once for each state of the alerts. */
const byUnit = new WeakMap();

export function alertsOf({ alerts }, unitId) {
  if (!byUnit.has(alerts)) byUnit.set(alerts, grouped(alerts));
  return byUnit.get(alerts).get(unitId) ?? [];
}

function grouped(alerts) {
  const groups = new Map();
  for (const alert of alerts.values()) {
    const group = groups.get(alert.unitId);
    if (group) group.push(alert);
    else groups.set(alert.unitId, [alert]);
  }
  return groups;
}

/** Units with the status to show, worst first; of one status the longest lasting first, then by place and name. */
export function worstFirst(fleet, phase, now) {
  const rows = [...fleet.units.values()].map((unit) => ({ unit, shown: shownStatus(unit, phase, now) }));
  return rows.sort(compare);
}

/** "Fridge 2" before "Fridge 10". One collator for all: thousands of units are sorted with every tick. */
const words = new Intl.Collator("en", { numeric: true });

function compare(a, b) {
  return (
    rankOf(a.shown) - rankOf(b.shown) ||
    words.compare(a.unit.siteName, b.unit.siteName) ||
    words.compare(a.unit.areaName, b.unit.areaName) ||
    words.compare(a.unit.name, b.unit.name) ||
    words.compare(a.unit.id, b.unit.id)
  );
}

/** When all is stale, what was bad stays in front. */
function rankOf(shown) {
  return shown.was ? Math.min(statusOf("stale").rank, statusOf(shown.was).rank) : statusOf(shown.status).rank;
}

/** Whether a unit belongs into the list: `text` in its name or place, of a site, of a status ("" is all of them). */
export function matches({ unit, shown }, { text, site, status }) {
  if (site && unit.siteId !== site) return false;
  if (status && shown.status !== status) return false;
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const place = `${unit.name} ${unit.areaName} ${unit.siteName}`.toLowerCase();
  return words.every((word) => place.includes(word));
}

/** How many units have each status, worst first. */
export function countsOf(rows) {
  const counts = new Map();
  for (const { shown } of rows) counts.set(shown.status, (counts.get(shown.status) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => statusOf(a).rank - statusOf(b).rank);
}

/** Alerts that are open and critical now and were not before. */
export function newlyCritical(before, after) {
  const critical = (alert) => alert.severity === "critical" && alert.status !== "acknowledged";
  return [...after.values()].filter((alert) => {
    const known = before.get(alert.id);
    return critical(alert) && !(known && critical(known));
  });
}

/** Alerts that are open now and were not known before, for the announcer. */
export function newlyOpen(before, after) {
  return [...after.values()].filter((alert) => !before.has(alert.id));
}
