import assert from "node:assert/strict";
import { test } from "node:test";

import * as fleet from "../../api/page/fleet.mjs";

const AT = "2026-11-23T10:00:00Z";
const NOW = Date.parse(AT) + 1000;

const row = (id, status, more = {}) => ({
  id,
  name: `Unit ${id}`,
  areaId: "area",
  siteId: "site",
  status,
  dataState: "fresh",
  temperatureState: "normal",
  lastReadingAt: AT,
  lastTemperature: 4,
  statusSince: AT,
  doorOpen: null,
  ...more,
});

const made = (units, alerts = [], sensors = []) =>
  fleet.makeFleet({
    organization: { id: "org", name: "Org", timezone: "Europe/Berlin" },
    sites: [
      { id: "site", timezone: null },
      { id: "far", timezone: "Asia/Tokyo" },
    ],
    tree: [
      { id: "site", name: "Harbour", areas: [{ id: "area", name: "Store", units: [] }] },
      { id: "far", name: "Far", areas: [] },
    ],
    units,
    sensors,
    alerts,
  });

test("the worst come first, and what was bad stays in front when nothing is live", () => {
  const names = [
    "ok",
    "restoring",
    "offline",
    "excursion",
    "monitoring_interrupted",
    "manual_required",
    "alarm_active",
    "ok",
  ];
  const some = made(names.map((status, n) => row(String(n), status)));
  const order = (phase) => fleet.worstFirst(some, phase, NOW).map(({ unit }) => unit.status);
  const expected = [
    "alarm_active",
    "manual_required",
    "monitoring_interrupted",
    "excursion",
    "offline",
    "restoring",
    "ok",
    "ok",
  ];
  assert.deepEqual(order("live"), expected);
  assert.deepEqual(order("lost").slice(0, 4), expected.slice(0, 4));
  assert.ok(fleet.worstFirst(some, "lost", NOW).every(({ shown }) => shown.status === "stale"));
});

test("a status that nobody knows is never among the healthy", () => {
  const some = made([row("1", "ok"), row("2", "on_fire")]);
  assert.equal(fleet.worstFirst(some, "live", NOW)[0].unit.id, "2");
});

test("zones come from the site, else the organization", () => {
  const some = made([row("1", "ok"), row("2", "ok", { siteId: "far" })]);
  assert.deepEqual(
    [...some.units.values()].map((unit) => unit.zone),
    ["Europe/Berlin", "Asia/Tokyo"],
  );
});

test("a unit has the interval of its primary sensor, else of the fastest; who has no unit is pending", () => {
  const sensor = (unitId, reportIntervalSeconds, isPrimary) => ({
    id: `${unitId}${reportIntervalSeconds}`,
    unitId,
    reportIntervalSeconds,
    isPrimary,
  });
  const sensors = [
    sensor("1", 60, false),
    sensor("1", 300, true),
    sensor("2", 900, false),
    sensor("2", 600, false),
    sensor(null, 300, false),
  ];
  const some = made([row("1", "ok"), row("2", "ok"), row("3", "ok")], [], sensors);
  assert.deepEqual(
    [...some.units.values()].map((unit) => unit.intervalSeconds),
    [300, 600, null],
  );
  assert.equal(some.pending.length, 1);
});

test("a patch changes what it names, and an older reading changes no temperature", () => {
  const some = made([row("1", "ok")]);
  const later = fleet.patchedUnit(some, {
    id: "1",
    status: "excursion",
    lastReadingAt: "2026-11-23T10:05:00Z",
    lastTemperature: 9,
  });
  assert.deepEqual([later.status, later.lastTemperature, later.name], ["excursion", 9, "Unit 1"]);
  const older = fleet.patchedUnit(some, { id: "1", lastReadingAt: "2026-11-23T09:00:00Z", lastTemperature: 1 });
  assert.deepEqual([older.lastTemperature, older.lastReadingAt], [4, Date.parse(AT)]);
  assert.equal(fleet.patchedUnit(some, { id: "unknown" }), null);
});

test("search looks at names and places, word by word", () => {
  const [it] = fleet.worstFirst(made([row("1", "ok")]), "live", NOW);
  const all = { text: "", site: "", status: "" };
  for (const text of ["unit", "HARBOUR 1", " store  unit "]) assert.ok(fleet.matches(it, { ...all, text }), text);
  assert.ok(!fleet.matches(it, { ...all, text: "unit far" }));
  assert.ok(!fleet.matches(it, { ...all, site: "far" }));
  assert.ok(!fleet.matches(it, { ...all, status: "stale" }));
});

test("new critical alerts are those that were not critical a moment ago, and that nobody has acknowledged", () => {
  const alert = (id, severity, status = "active") => [id, { id, severity, status }];
  const before = new Map([alert("known", "critical"), alert("worse", "warning")]);
  const after = new Map([
    alert("known", "critical"),
    alert("worse", "critical"),
    alert("new", "critical"),
    alert("mild", "warning"),
    alert("seen", "critical", "acknowledged"),
  ]);
  assert.deepEqual(
    fleet.newlyCritical(before, after).map(({ id }) => id),
    ["worse", "new"],
  );
  assert.deepEqual(
    fleet.newlyOpen(before, after).map(({ id }) => id),
    ["new", "mild", "seen"],
  );
});

test("counts are worst first", () => {
  const rows = fleet.worstFirst(made([row("1", "ok"), row("2", "ok"), row("3", "alarm_active")]), "live", NOW);
  assert.deepEqual(fleet.countsOf(rows), [
    ["alarm_active", 1],
    ["ok", 2],
  ]);
});
