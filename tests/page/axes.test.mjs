import assert from "node:assert/strict";
import { test } from "node:test";

import { bandOf, lineThrough, roundSteps, rowsOf, scaleOf, timeSteps } from "../../api/page/axes.mjs";

test("scales map ends to ends, also a single value", () => {
  const x = scaleOf([0, 10], [100, 200]);
  assert.deepEqual([x(0), x(5), x(10)], [100, 150, 200]);
  assert.equal(scaleOf([3, 3], [0, 9])(3), 0);
});

test("steps are round and inside", () => {
  assert.deepEqual(roundSteps(-31.2, -9.8, 6), [-30, -25, -20, -15, -10]);
  assert.deepEqual(roundSteps(0.1, 0.9, 4), [0.2, 0.4, 0.6, 0.8]);
  assert.ok(roundSteps(-0.3, 0.4, 3).includes(0));
});

test("times along the axis are round on the wall clock of the zone", () => {
  const from = Date.parse("2026-11-23T03:17:00Z");
  const steps = timeSteps(from, from + 86_400_000, "Asia/Kathmandu", 8);
  assert.deepEqual(
    steps.map((s) => s.text),
    ["12:00", "15:00", "18:00", "21:00", "24 Nov", "03:00", "06:00", "09:00"],
  );
  assert.ok(steps.length <= 9);
  assert.ok(steps.every(({ at }) => at >= from && at <= from + 86_400_000));
});

test("days begin at midnight on both sides of a change of the clock", () => {
  const steps = timeSteps(Date.parse("2026-10-22T12:00:00Z"), Date.parse("2026-10-29T12:00:00Z"), "Europe/Berlin", 8);
  assert.deepEqual(
    steps.map((s) => s.text),
    ["23 Oct", "24 Oct", "25 Oct", "26 Oct", "27 Oct", "28 Oct", "29 Oct"],
  );
  assert.equal(steps[2].at, Date.parse("2026-10-24T22:00:00Z"));
  assert.equal(steps[3].at, Date.parse("2026-10-25T23:00:00Z"));
});

test("paths begin with a move and bands close", () => {
  const x = scaleOf([0, 10], [0, 100]);
  const some = [
    { at: 0, value: 1, low: 0, high: 2 },
    { at: 10, value: 2, low: 1, high: 3 },
  ];
  assert.equal(lineThrough(some, x, x), "M0.0 10.0L100.0 20.0");
  assert.match(bandOf(some, x, x), /^M.*Z$/);
  assert.equal(bandOf(some.slice(1), x, x), "");
});

test("bars that overlap have rows of their own", () => {
  const bars = [
    { from: 0, to: 5 },
    { from: 2, to: null },
    { from: 5, to: 6 },
  ];
  assert.deepEqual(
    rowsOf(bars, 10).map(({ row }) => row),
    [0, 1, 0],
  );
});
