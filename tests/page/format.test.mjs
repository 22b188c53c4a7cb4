import assert from "node:assert/strict";
import { test } from "node:test";

import * as f from "../../api/page/format.mjs";

test("temperatures are shown in the scale that people prefer, zero is a temperature, nothing is none", () => {
  assert.equal(f.temperature(-18.44, "C"), "\u221218.4 °C");
  assert.equal(f.temperature(-18.44, "F"), "\u22121.2 °F");
  assert.equal(f.temperature(0, "C"), "0.0 °C");
  assert.equal(f.temperature(0, "F"), "32.0 °F");
  assert.equal(f.temperature(-0.04, "C"), "0.0 °C");
  assert.equal(f.temperature(null, "C"), "–");
  assert.equal(f.temperature(undefined, "F"), "–");
});

test("a difference has no zero point to move", () => {
  assert.equal(f.difference(0.5, "C"), "0.5 K");
  assert.equal(f.difference(0.5, "F"), "0.9 °F");
  assert.equal(f.differenceFromShown(0.9, "F"), 0.5);
});

test("what is typed in Fahrenheit comes back as the same Fahrenheit", () => {
  for (let value = -148; value <= 302; value += 0.5) {
    assert.equal(Number(f.toShown(f.fromShown(value, "F"), "F").toFixed(1)) + 0, value);
    assert.equal(f.fromShown(value, "C"), value);
  }
});

test("spans of time in the two greatest parts", () => {
  const cases = [
    [0, "0 s"],
    [999, "1 s"],
    [59_000, "59 s"],
    [61_000, "1 min"],
    [3_600_000, "1 h"],
    [12_000_000, "3 h 20 min"],
  ];
  for (const [span, text] of [...cases, [86_400_000 * 2 + 3_600_000 * 4, "2 d 4 h"], [-5, "0 s"]])
    assert.equal(f.duration(span), text);
  assert.equal(f.ago(1000), "just now");
  assert.equal(f.ago(65_000), "1 min ago");
});

test("times are those of the zone, on both sides of a change of the clock", () => {
  const before = Date.parse("2026-10-25T00:30:00Z");
  const after = Date.parse("2026-10-25T01:30:00Z");
  assert.equal(f.clock(before, "Europe/Berlin"), "02:30");
  assert.equal(f.clock(after, "Europe/Berlin"), "02:30");
  assert.equal(f.zoneOffset(before, "Europe/Berlin"), 7_200_000);
  assert.equal(f.zoneOffset(after, "Europe/Berlin"), 3_600_000);
  assert.equal(f.zoneOffset(after + 123, "Asia/Kathmandu"), 20_700_000);
  assert.equal(f.clock(before, "UTC"), "00:30");
  assert.equal(f.clock(Date.parse("2026-01-01T00:05:00Z"), "UTC"), "00:05");
});

test("a zone that the browser does not know is UTC and says so", () => {
  assert.match(f.clock(0, "Mars/Olympus"), /^00:00 UTC$/);
});

test("today needs no date", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  assert.equal(f.moment(now - 3_600_000, now, "UTC"), "11:00");
  assert.equal(f.moment(now - 13 * 3_600_000, now, "UTC"), "22 Nov, 23:00");
  assert.equal(f.moment(now - 365 * 86_400_000, now, "UTC"), "23 Nov, 12:00");
});
