import assert from "node:assert/strict";
import { test } from "node:test";

import { modelOf, withReadings } from "../../api/page/history.mjs";
import { DEFAULTS, parsePreferences } from "../../api/page/preferences.mjs";
import { fromField, toField, valueText } from "../../api/page/settings.mjs";
import { ageText } from "../../api/page/tile.mjs";
import { layoutFor } from "../../api/page/wall.mjs";
import { sentence, statusOf, wordOf } from "../../api/page/words.mjs";

const NOW = Date.parse("2026-11-23T12:00:00Z");

test("settings are shown with their measure, and come back from a field as they went in", () => {
  assert.equal(valueText(5, "°C", "F"), "41.0 °F");
  assert.equal(valueText(0.5, "K", "F"), "0.9 °F");
  assert.equal(valueText(600, "s", "F"), "600 s");
  assert.equal(valueText(null, "°C", "C"), "none");
  for (const [value, unit] of [
    [-18.5, "°C"],
    [0.5, "K"],
    [600, "s"],
  ])
    for (const scale of ["C", "F"]) assert.equal(fromField(toField(value, unit, scale), unit, scale), value);
});

test("preferences that are missing, nonsense or unknown have their defaults", () => {
  for (const text of [null, "", "{", "[]", "null", '{"scale":"K","theme":7,"more":1}'])
    assert.deepEqual(parsePreferences(text), DEFAULTS, String(text));
  assert.equal(parsePreferences('{"scale":"F"}').scale, "F");
});

test("tiles on a wall are as large as fit, and never too small", () => {
  const screen = { width: 1920, height: 1000 };
  assert.deepEqual(
    [1, 2, 6, 12].map((count) => layoutFor(count, screen).columns),
    [1, 2, 3, 4],
  );
  const many = layoutFor(500, screen);
  assert.equal(many.size, 1);
  assert.equal(many.room, many.columns * 4);
  assert.ok(layoutFor(3, { width: 10, height: 10 }).room >= 1);
});

test("how old a reading is, in words that say when nothing comes", () => {
  const unit = { lastReadingAt: NOW - 60_000, dataState: "fresh", zone: "UTC" };
  assert.equal(ageText({ unit, shown: { status: "ok" } }, NOW), "11:59, 1 min ago");
  assert.match(
    ageText({ unit: { ...unit, dataState: "late" }, shown: { status: "offline" } }, NOW),
    /^No data since 11:59/,
  );
  assert.match(ageText({ unit, shown: { status: "stale", since: 1 } }, NOW), /^No data since/);
  assert.equal(ageText({ unit: { ...unit, lastReadingAt: null }, shown: {} }, NOW), "No reading yet");
});

test("readings of the feed are added once, however their time is written", () => {
  const row = (recordedAt, temperature) => ({ recordedAt, sensorId: "s", temperature });
  const history = { range: "1h", rows: [row("2026-11-23T11:59:00Z", 4)] };
  const fresh = [row("2026-11-23T11:59:00.000000Z", 4), row("2026-11-23T11:59:30.500000Z", 5)];
  const after = withReadings(history, fresh);
  assert.deepEqual(
    after.rows.map((each) => each.temperature),
    [5, 4],
  );
  assert.equal(withReadings(after, fresh), after);
  const months = { range: "1y", rows: [] };
  assert.equal(withReadings(months, fresh), months, "buckets are asked for anew");
});

test("the chart follows the primary sensor, or all where it said nothing, and shows alerts of the time", () => {
  const limit = (value) => ({ value, source: "preset" });
  const limits = { high: limit(5), low: limit(-1), criticalHigh: limit(null), criticalLow: limit(null) };
  const unit = { limits, zone: "UTC", intervalSeconds: 60 };
  const row = (sensorId, temperature) => ({ recordedAt: "2026-11-23T11:30:00Z", sensorId, temperature });
  const alert = (id, openedAt, resolvedAt) => ({
    id,
    openedAt,
    resolvedAt,
    status: resolvedAt ? "resolved" : "active",
    alertType: "door_open",
    severity: "warning",
  });
  const history = {
    range: "1h",
    rows: [row("a", 1), row("b", 9)],
    sensors: [{ id: "a", isPrimary: true }],
    alerts: [alert("1", "2026-11-23T11:10:00Z", "2026-11-23T11:20:00Z"), alert("2", "2026-11-23T11:40:00Z", null)],
  };
  const model = modelOf(history, unit, [alert("2", "2026-11-23T11:40:00Z", null)], { now: NOW, scale: "C" });
  assert.deepEqual(
    model.points.map((point) => point.value),
    [1],
  );
  assert.deepEqual(
    model.alerts.map((bar) => bar.to === null),
    [false, true],
  );
  assert.equal(model.longest, 90_000);
  const silent = modelOf({ ...history, rows: [row("b", 9)] }, unit, [], { now: NOW, scale: "C" });
  assert.deepEqual(
    silent.points.map((point) => point.value),
    [9],
  );
});

test("words that nobody has translated yet are readable", () => {
  assert.equal(sentence("confirmOpenSeconds"), "Confirm open");
  assert.equal(wordOf({}, "walk_in_cooler"), "Walk in cooler");
  assert.equal(wordOf({}, "constructor"), "Constructor");
  assert.equal(statusOf("brand_new").word, "Brand new");
});
