import assert from "node:assert/strict";
import { test } from "node:test";

import * as s from "../../api/page/series.mjs";

const LIMITS = { high: 5, low: -1 };
const MINUTE = 60_000;
const at = (minutes) => new Date(Date.parse("2026-11-23T10:00:00Z") + minutes * MINUTE).toISOString();
const points = (...pairs) => pairs.map(([at, value]) => ({ at, value, low: value, high: value }));

test("readings and buckets become points, oldest first; a fault is none", () => {
  const rows = [
    { recordedAt: "2026-11-23T10:10:00Z", sensorId: "a", temperature: 4 },
    { recordedAt: "2026-11-23T10:05:00Z", sensorId: "a", temperature: null, fault: "out_of_range" },
    { recordedAt: "2026-11-23T10:00:00Z", sensorId: "a", temperature: 0 },
    { recordedAt: "2026-11-23T10:01:00Z", sensorId: "b", temperature: 9 },
  ];
  assert.deepEqual(
    s.pointsOf(rows).map((p) => p.value),
    [0, 9, 4],
  );
  assert.deepEqual(
    s.pointsOf(rows, 0, "a").map((p) => p.value),
    [0, 4],
  );
  const bucket = {
    recordedAt: "2026-11-23T10:00:00Z",
    temperature: 2,
    temperatureMin: 1,
    temperatureMax: 3,
    count: 12,
  };
  assert.deepEqual(s.pointsOf([bucket], 3_600_000), [
    { at: Date.parse("2026-11-23T10:30:00Z"), value: 2, low: 1, high: 3 },
  ]);
});

test("a line stops at a gap and goes on after it", () => {
  const runs = s.runsOf(points([0, 1], [10, 1], [30, 1], [31, 1], [90, 1]), 20);
  assert.deepEqual(
    runs.map((run) => run.map((p) => p.at)),
    [[0, 10, 30, 31], [90]],
  );
  assert.deepEqual(s.runsOf([], 20), []);
});

test("gaps are named from edge to edge, also before the first and after the last point", () => {
  const some = points([50, 1], [60, 1], [200, 1]);
  assert.deepEqual(s.gapsOf(some, 20, 0, 210), [
    { from: 0, to: 50 },
    { from: 60, to: 200 },
  ]);
  assert.deepEqual(s.gapsOf([], 20, 0, 100), [{ from: 0, to: 100 }]);
  assert.deepEqual(s.gapsOf(some, 500, 0, 210), []);
});

test("excursions begin with what is out, end with what is back, never cross a gap, and know their extreme", () => {
  const runs = s.runsOf(points([0, 4], [1, 6], [2, 9], [3, 4], [4, 5], [5, 5.1], [50, -3], [51, 0]), 10);
  assert.deepEqual(s.excursionsOf(runs, LIMITS), [
    { from: 1, to: 3, extreme: 9 },
    { from: 5, to: 5, extreme: 5.1 },
    { from: 50, to: 51, extreme: -3 },
  ]);
  assert.equal(s.isOut({ low: -1, high: 5 }, LIMITS), false, "a limit itself is inside");
});

test("openings of a long range come as spans, and each bucket knows its share", () => {
  const [span, open] = s.openingsOf([
    { from: at(0), to: at(60), openings: 3, openSeconds: 1800 },
    { from: at(90), to: null, openings: 1, openSeconds: 600 },
  ]);
  assert.deepEqual([span.openings, span.openMs, open.to], [3, 1_800_000, null]);
  const now = open.from + 600_000;
  assert.equal(s.openBetween([span, open], span.from, span.from + 600_000, now), 300_000);
  assert.equal(s.openBetween([span, open], open.from - MINUTE, open.from + 60 * MINUTE, now), 600_000);
  assert.equal(s.openBetween([{ from: 0, to: 100 }], 50, 200, now), 50);
  assert.equal(s.openBetween([], 0, 1, now), 0);
});

test("doors open and close sensor by sensor; a repeated open is the same one", () => {
  const row = (minute, doorOpen, sensorId = "a") => ({
    recordedAt: `2026-11-23T10:0${minute}:00Z`,
    doorOpen,
    sensorId,
  });
  const rows = [
    row(5, true, "b"),
    row(3, false),
    row(2, true),
    row(1, true),
    row(0, false),
    { recordedAt: "2026-11-23T10:04:00Z", sensorId: "a" },
  ];
  const at = (minute) => Date.parse(`2026-11-23T10:0${minute}:00Z`);
  assert.deepEqual(s.doorsOf(rows), [
    { from: at(1), to: at(3) },
    { from: at(5), to: null },
  ]);
});

test("thinning keeps first, last, order, and every extreme, within its bound", () => {
  const many = Array.from({ length: 10_000 }, (_, n) => ({
    at: n * 10,
    value: Math.sin(n / 50),
    low: Math.sin(n / 50),
    high: Math.sin(n / 50),
  }));
  many[5003] = { at: 50_030, value: 40, low: 40, high: 40 };
  many[7001] = { at: 70_010, value: -40, low: -40, high: -40 };
  const few = s.thinned(many, 500);
  assert.ok(few.length <= 500, String(few.length));
  assert.ok(few.includes(many[5003]) && few.includes(many[7001]));
  assert.ok(few.every((p, n) => n === 0 || few[n - 1].at <= p.at));
  assert.equal(s.thinned(many.slice(0, 500), 500).length, 500);
});

test("the nearest point is found, whatever is asked", () => {
  const some = points([0, 1], [10, 2], [30, 3]);
  for (const [at, place] of [
    [-5, 0],
    [0, 0],
    [4, 0],
    [6, 1],
    [19, 1],
    [21, 2],
    [99, 2],
  ])
    assert.equal(s.nearest(some, at), place, String(at));
  assert.equal(s.nearest([], 5), null);
});

test("an extent has room and is never flat", () => {
  const { low, high } = s.extentOf(points([0, 3]), []);
  assert.ok(low < 3 && high > 3);
  assert.deepEqual(s.extentOf([], []), { low: 0, high: 10 });
});

test("a missed check-in is a gap; buckets next to each other are not", () => {
  assert.equal(s.longestStep(0, 60), 90_000);
  assert.equal(s.longestStep(0, null), 330_000);
  assert.ok(s.longestStep(3_600_000, 60) < 7_200_000);
});
