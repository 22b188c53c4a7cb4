import assert from "node:assert/strict";
import { test } from "node:test";

import {
  FEED_PATIENCE,
  POLL_PATIENCE,
  UNIT_SLACK,
  pauseBefore,
  phaseOf,
  shownStatus,
} from "../../api/page/freshness.mjs";

const NOW = 10_000_000;

test("the page claims only what it has heard in time", () => {
  const cases = [
    [{ heardAt: null, fetchedAt: null, feedOpen: false }, "starting"],
    [{ heardAt: NOW - 1000, fetchedAt: NOW - 900_000, feedOpen: true }, "live"],
    [{ heardAt: NOW - FEED_PATIENCE - 1, fetchedAt: NOW - 900_000, feedOpen: true }, "lost"],
    [{ heardAt: NOW - FEED_PATIENCE - 1, fetchedAt: NOW - 1000, feedOpen: true }, "polling"],
    [{ heardAt: NOW - 1000, fetchedAt: NOW - 900_000, feedOpen: false }, "polling"],
    [{ heardAt: null, fetchedAt: NOW - POLL_PATIENCE, feedOpen: false }, "polling"],
    [{ heardAt: null, fetchedAt: NOW - POLL_PATIENCE - 1, feedOpen: false }, "lost"],
  ];
  for (const [known, phase] of cases) assert.equal(phaseOf(known, NOW), phase, JSON.stringify(known));
});

test("without the API every unit is stale, also the healthy ones", () => {
  for (const status of ["ok", "alarm_active", "offline"]) {
    const unit = { status, dataState: "fresh", lastReadingAt: NOW, intervalSeconds: 60 };
    assert.deepEqual(shownStatus(unit, "lost", NOW), { status: "stale", was: status });
    assert.deepEqual(shownStatus(unit, "live", NOW), { status });
  }
});

test("a unit that the API calls fresh is stale when its readings have stopped", () => {
  const at = NOW - 60_000 - UNIT_SLACK;
  const unit = { status: "ok", dataState: "fresh", lastReadingAt: at, intervalSeconds: 60 };
  assert.deepEqual(shownStatus(unit, "live", NOW), { status: "ok" });
  assert.deepEqual(shownStatus(unit, "live", NOW + 1), { status: "stale", was: "ok", since: at });
  assert.deepEqual(shownStatus({ ...unit, dataState: "late", status: "offline" }, "live", NOW + 1), {
    status: "offline",
  });
  assert.deepEqual(shownStatus({ ...unit, lastReadingAt: null }, "live", NOW), { status: "ok" });
  assert.deepEqual(shownStatus({ ...unit, intervalSeconds: 3600 }, "live", NOW + 1), { status: "ok" });
  assert.equal(shownStatus({ ...unit, intervalSeconds: null }, "live", NOW + 300_000).status, "stale");
});

test("pauses grow and have an end", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 40].map(pauseBefore), [1000, 2000, 4000, 8000, 15_000, 15_000]);
});
