import assert from "node:assert/strict";
import { test } from "node:test";

import { Trends, trendsOf } from "../../api/page/trends.mjs";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const HOUR = 3_600_000;

const answer = (units, stepSeconds = 3600) => ({ from: "2026-11-22T12:00:00Z", stepSeconds, units });
const hours = (count) => Array.from({ length: count }, (_, n) => [n, 4, 3, 5]);
const unit = (id, lastReadingAt = NOW - 1000) => ({ id, lastReadingAt });
const settled = () => new Promise((resolve) => setImmediate(resolve));

function asked(answers) {
  const ranges = [];
  const clock = { now: NOW };
  const ask = async (range) => {
    ranges.push(range);
    return answers[range];
  };
  return { trends: new Trends(ask, () => clock.now), ranges, clock };
}

test("a point stands in the middle of its step; who measured nothing has no trend", () => {
  const found = trendsOf(answer([{ unitId: "a", points: [[2, 4, 3, 5]] }, { unitId: "b", points: [] }]));
  assert.deepEqual([...found.keys()], ["a"]);
  const [point] = found.get("a").points;
  assert.deepEqual(point, { at: Date.parse("2026-11-22T14:30:00Z"), value: 4, low: 3, high: 5 });
});

test("two hundred tiles ask once, and again when it is old", async () => {
  const units = Array.from({ length: 200 }, (_, n) => ({ unitId: `${n}`, points: hours(24) }));
  const { trends, ranges, clock } = asked({ "24h": answer(units) });
  for (const { unitId } of units) assert.equal(trends.of(unit(unitId)), null);
  await settled();
  for (const { unitId } of units) assert.equal(trends.of(unit(unitId)).points.length, 24);
  assert.deepEqual(ranges, ["24h"]);
  clock.now += HOUR;
  trends.of(unit("7"));
  assert.deepEqual(ranges, ["24h", "24h"]);
});

test("a unit with few hours gets finer steps, and is asked for again soon", async () => {
  const day = answer([
    { unitId: "new", points: hours(2) },
    { unitId: "old", points: hours(24) },
  ]);
  const short = answer([{ unitId: "new", points: hours(9) }], 300);
  const { trends, ranges, clock } = asked({ "24h": day, "6h": short });
  trends.of(unit("new"));
  await settled();
  assert.equal(trends.of(unit("new")).bucketMs, 300_000);
  assert.equal(trends.of(unit("old")).bucketMs, HOUR);
  clock.now += 61_000;
  trends.of(unit("old"));
  assert.equal(ranges.length, 2);
  trends.of(unit("new"));
  assert.equal(ranges.length, 3);
});

test("units that say nothing any more, and answers that fail, are no reason to ask all the time", async () => {
  const { trends, ranges, clock } = asked({ "24h": answer([]) });
  trends.of(unit("silent", NOW - 48 * HOUR));
  await settled();
  clock.now += 61_000;
  trends.of(unit("silent", NOW - 48 * HOUR));
  trends.of(unit("never", null));
  assert.equal(ranges.length, 1);
  const broken = new Trends(async () => assert.fail("away"), () => NOW);
  broken.of(unit("a"));
  await settled();
  assert.equal(broken.of(unit("a")), null);
});
