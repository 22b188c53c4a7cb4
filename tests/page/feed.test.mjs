import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { Feed, Positions, addressOf } from "../../api/page/feed.mjs";
import { FEED_PATIENCE } from "../../api/page/freshness.mjs";

const TOPIC = "org:1:units";

class Socket {
  readyState = 1;
  sent = [];
  send = (text) => this.sent.push(JSON.parse(text));
  close = () => {
    this.readyState = 3;
  };
  say = (message) => this.onmessage({ data: JSON.stringify(message) });
}

class Target {
  frames = [];
  told = [];
  heard = () => {};
  framed = (frame) => this.frames.push(frame.id);
  closed = () => this.told.push("closed");
  snapshotNeeded = () => this.told.push("snapshot needed");
}

function started(renewed = async () => true) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const sockets = [];
  const target = new Target();
  const session = { accessToken: "token", renewed };
  const feed = new Feed(session, () => sockets[sockets.push(new Socket()) - 1]);
  feed.start([TOPIC], target);
  const ready = () => {
    sockets.at(-1).onopen();
    sockets.at(-1).say({ type: "ready", id: 1, heartbeatSeconds: 20 });
  };
  return { feed, sockets, target, ready };
}

afterEach(() => mock.timers.reset());

test("it says who it is first, then what it wants", () => {
  const { sockets, ready } = started();
  ready();
  assert.deepEqual(sockets[0].sent, [
    { type: "auth", token: "token" },
    { type: "subscribe", topic: TOPIC },
  ]);
});

test("after a lost connection it goes on where it stood, and shows nothing twice", () => {
  const { sockets, target, ready } = started();
  ready();
  for (const id of [10, 11]) sockets[0].say({ type: id === 10 ? "snapshot" : "units", topic: TOPIC, id, units: [] });
  sockets[0].say({ type: "heartbeat", id: 15 });
  sockets[0].onclose({ code: 1006 });
  assert.deepEqual(target.told, ["closed"]);
  mock.timers.tick(2000);
  ready();
  assert.deepEqual(sockets[1].sent[1], { type: "subscribe", topic: TOPIC, after: 15 });
  sockets[1].say({ type: "resumed", topic: TOPIC, id: 15 });
  for (const id of [15, 16, 16, 17]) sockets[1].say({ type: "units", topic: TOPIC, id, units: [] });
  assert.deepEqual(target.frames, [10, 11, 16, 17]);
});

test("where it is too old it begins anew", () => {
  const { sockets, target, ready } = started();
  ready();
  sockets[0].say({ type: "snapshot", topic: TOPIC, id: 5, units: [] });
  sockets[0].say({ type: "snapshot_needed", topic: TOPIC });
  assert.deepEqual(sockets[0].sent.at(-1), { type: "subscribe", topic: TOPIC });
  assert.deepEqual(target.told, ["snapshot needed"]);
});

test("a topic that is refused or taken away is asked for no more", () => {
  const { sockets, target, feed, ready } = started();
  ready();
  sockets[0].say({ type: "refused", topic: TOPIC, detail: "There is nothing here." });
  assert.deepEqual([...feed.topics], []);
  sockets[0].say({ type: "units", topic: TOPIC, id: 99, units: [] });
  assert.deepEqual(target.frames, []);
});

test("a way that says nothing is given up", () => {
  const { sockets, target, ready } = started();
  ready();
  mock.timers.tick(FEED_PATIENCE + 1);
  assert.deepEqual(target.told, ["closed"]);
  assert.equal(sockets[0].readyState, 3);
  mock.timers.tick(2000);
  assert.equal(sockets.length, 2);
});

test("a token that counts no more is renewed before it comes back; without one it stays away", async () => {
  for (const [renewed, sockets] of [
    [true, 2],
    [false, 1],
  ]) {
    const one = started(async () => renewed);
    one.ready();
    await one.sockets[0].onclose({ code: 4401 });
    mock.timers.tick(5000);
    assert.equal(one.sockets.length, sockets);
    mock.timers.reset();
  }
});

test("who is unwanted waits long", async () => {
  const one = started();
  one.ready();
  await one.sockets[0].onclose({ code: 4429 });
  mock.timers.tick(59_000);
  assert.equal(one.sockets.length, 1);
  mock.timers.tick(2000);
  assert.equal(one.sockets.length, 2);
});

test("what was stopped stays stopped", () => {
  const { feed, sockets, ready } = started();
  ready();
  feed.stop();
  sockets[0].onclose({ code: 1000 });
  mock.timers.tick(100_000);
  assert.equal(sockets.length, 1);
});

test("positions grow, heartbeats speak for topics that stand somewhere", () => {
  const known = new Positions();
  known.beat(5);
  assert.equal(known.after(TOPIC), null);
  assert.equal(known.isNew({ type: "units", topic: TOPIC, id: 7 }), true);
  known.beat(9);
  assert.equal(known.isNew({ type: "units", topic: TOPIC, id: 9 }), false);
  assert.equal(known.after(TOPIC), 9);
});

test("the address is that of the page", () => {
  assert.equal(addressOf({ protocol: "https:", host: "h:1" }), "wss://h:1/ws");
  assert.equal(addressOf({ protocol: "http:", host: "h" }), "ws://h/ws");
});
