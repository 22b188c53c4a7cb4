import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { Live } from "../../api/page/live.mjs";
import { ApiError, UnreachableError } from "../../api/page/session.mjs";

const AT = "2026-11-23T10:00:00Z";
const unit = (id, more = {}) => ({
  id,
  name: id,
  areaId: "a",
  siteId: "s",
  status: "ok",
  dataState: "fresh",
  lastReadingAt: AT,
  lastTemperature: 4,
  updatedAt: AT,
  ...more,
});
const alert = (id, status = "active") => ({ id, status, severity: "critical", unitId: "u1" });

/** An API that answers as `state` says, or fails with `state.error`. */
function started() {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 });
  const state = { units: [unit("u1")], alerts: [], error: null, asked: 0 };
  const answer = (value) => {
    state.asked += 1;
    if (state.error) throw state.error;
    return value;
  };
  const client = {
    fleet: async () =>
      answer({
        organization: { timezone: "UTC" },
        sites: [],
        tree: [],
        sensors: [],
        units: state.units,
        alerts: state.alerts,
      }),
    all: async () => answer(state.units),
    openAlerts: async () => answer(state.alerts),
    get: async () => answer({}),
  };
  const feed = {
    start: (topics) => {
      state.topics = topics;
    },
    stop: () => {},
  };
  const live = new Live(client, feed, Date.now);
  return { state, live };
}

const settle = async (milliseconds) => {
  for (let past = 0; past < milliseconds; past += 500) {
    mock.timers.tick(500);
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
  }
};

afterEach(() => mock.timers.reset());

test("without a feed it asks again, and what it says follows", async () => {
  const { state, live } = started();
  await live.start("o");
  assert.deepEqual(state.topics, ["org:o:units", "org:o:alerts"]);
  assert.equal(live.phase, "polling");
  state.units = [unit("u1", { status: "excursion" })];
  await settle(16_000);
  assert.equal(live.fleet.units.get("u1").status, "excursion");
  live.stop();
});

test("with a feed it does not ask", async () => {
  const { state, live } = started();
  await live.start("o");
  const before = state.asked;
  for (let second = 0; second < 60; second += 10) {
    live.heard();
    await settle(10_000);
  }
  assert.equal(live.phase, "live");
  assert.equal(state.asked, before);
  live.stop();
});

test("what cannot be reached is told at once, turns stale, and comes back with a word", async () => {
  const { state, live } = started();
  await live.start("o");
  state.error = new UnreachableError("away");
  await settle(16_000);
  assert.equal(live.note.kind, "lost");
  assert.equal(live.note.at, 1_000_000);
  await settle(40_000);
  assert.equal(live.phase, "lost");
  state.error = null;
  for (let second = 0; second < 20 && live.note.kind === "lost"; second += 1) await settle(1000);
  assert.equal(live.note.kind, "back");
  await settle(7000);
  assert.equal(live.note, null);
  live.stop();
});

test("a feed that is cut is catching up until something has come", async () => {
  const { live } = started();
  await live.start("o");
  live.heard();
  live.closed();
  assert.equal(live.note.kind, "catching-up");
  await settle(1000);
  assert.equal(live.note.kind, "back");
  live.stop();
});

test("frames that come while an answer is on its way are laid over it", async () => {
  const { live } = started();
  await live.start("o");
  const asking = live.fetchStates();
  live.framed({ type: "units", topic: "org:o:units", id: 5, units: [{ id: "u1", status: "alarm_active" }] });
  await asking;
  assert.equal(live.fleet.units.get("u1").status, "alarm_active");
  live.stop();
});

test("frames change units and alerts; new and edited units are asked for; gone ones are gone", async () => {
  const { state, live } = started();
  const heard = [];
  live.onalerts = (fresh) => heard.push(...fresh.map(({ id }) => id));
  await live.start("o");
  const units = (units, gone) => live.framed({ type: "units", topic: "org:o:units", id: 1, units, gone });
  units([{ id: "u1", status: "excursion", lastTemperature: 9, lastReadingAt: "2026-11-23T10:01:00Z", updatedAt: AT }]);
  assert.equal(live.fleet.units.get("u1").lastTemperature, 9);
  const before = state.asked;
  state.units = [unit("u1"), unit("u2")];
  units([{ id: "u2", name: "new" }]);
  await settle(1000);
  assert.ok(state.asked > before);
  assert.equal(live.fleet.units.size, 2);
  units([], ["u1"]);
  assert.deepEqual([...live.fleet.units.keys()], ["u2"]);
  const steps = (...alerts) =>
    live.framed({
      type: "alerts",
      topic: "org:o:alerts",
      id: 2,
      alerts: alerts.map((each) => ({ id: 2, action: "opened", alert: each })),
    });
  steps(alert("x"), alert("y"));
  assert.deepEqual(heard, ["x", "y"]);
  steps(alert("x", "resolved"));
  assert.deepEqual([...live.fleet.alerts.keys()], ["y"]);
  live.framed({ type: "snapshot", topic: "org:o:alerts", id: 3, alerts: [alert("z")] });
  assert.deepEqual([...live.fleet.alerts.keys()], ["z"]);
  live.stop();
});

test("a role that was taken is no lost connection", async () => {
  const { state, live } = started();
  let refused = null;
  live.onrefused = (error) => {
    refused = error.status;
  };
  await live.start("o");
  state.error = new ApiError(403, { detail: "No." });
  await settle(16_000);
  assert.equal(refused, 403);
  assert.equal(live.note, null);
  live.stop();
});
