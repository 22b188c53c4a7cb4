/** Keeps the fleet up to date: by the feed where there is one, by asking again where not; and says which it is. */

import { isOpen, makeFleet, newlyOpen, patchedUnit } from "./fleet.mjs";
import { ApiError } from "./session.mjs";
import { POLL_EVERY, lastKnown, pauseBefore, phaseOf } from "./freshness.mjs";

/** Names, intervals and limits change seldom and have no frames: they are asked for again after this. */
const ALL_EVERY = 300_000;
const TICK_MS = 1000;
/** A second that took this long: the machine slept, and what we know is old. */
const SLEPT_MS = 8000;
/** A role or a membership that was taken away: no matter of the connection. */
const NOT_OURS = [401, 403, 404];
/** How long "up to date again" stays on the screen. */
const GLAD_MS = 6000;

export class Live {
  /** `now` is this machine's clock: how long ago we heard something is no matter of what time it is elsewhere. */
  constructor(client, feed, now) {
    this.client = client;
    this.feed = feed;
    this.now = now;
    this.fleet = null;
    this.allAt = null;
    this.waiting = null;
    this.failing = null;
    this.lostAt = null;
    this.backAt = null;
    this.known = { heardAt: null, fetchedAt: null, feedOpen: false };
    this.onupdate = () => {};
    this.ontick = () => {};
    this.onalerts = () => {};
    this.onframe = () => {};
    this.onrefused = () => {};
    this.attempt = 0;
    this.timers = {};
  }

  get phase() {
    return phaseOf(this.known, this.now());
  }

  /** What to tell about the connection: null while all is well. */
  get note() {
    const now = this.now();
    if (this.failing) return { kind: "lost", at: this.lostAt };
    if (this.lostAt !== null && this.fleet) return { kind: "catching-up", at: this.lostAt };
    if (this.phase === "lost") return { kind: "lost", at: lastKnown(this.known) };
    if (this.backAt && now - this.backAt < GLAD_MS) return { kind: "back", at: this.backAt };
    return null;
  }

  async start(organizationId) {
    this.organizationId = organizationId;
    this.topics = { units: `org:${organizationId}:units`, alerts: `org:${organizationId}:alerts` };
    this.stopped = false;
    this.tickedAt = this.now();
    this.timers.tick = setInterval(() => this.tick(), TICK_MS);
    await this.fetchAll();
  }

  stop() {
    this.stopped = true;
    this.feed.stop();
    clearInterval(this.timers.tick);
    clearTimeout(this.timers.poll);
  }

  tick() {
    const now = this.now();
    if (Math.abs(now - this.tickedAt) > SLEPT_MS) this.askSoon(0);
    this.tickedAt = now;
    this.ontick();
  }

  askSoon(pause) {
    clearTimeout(this.timers.poll);
    if (!this.stopped) this.timers.poll = setTimeout(() => this.poll(), pause);
  }

  async poll() {
    if (this.stopped || this.waiting) return; // what is under way asks again when it is done
    const isDue = !this.allAt || this.now() - this.allAt > ALL_EVERY;
    if (this.phase === "live" && !isDue && !this.failing) this.askSoon(POLL_EVERY);
    else if (isDue || this.failing || !this.fleet) await this.fetchAll();
    else await this.fetchStates();
  }

  /** Everything anew. Trouble of the network is told by `note`; a refusal by `onrefused`. */
  async fetchAll() {
    await this.attemptTo(async () => {
      if (this.failing) await this.seeWhetherItIsBack();
      this.allAt = this.now();
      this.take(makeFleet(await this.client.fleet(this.organizationId)));
    });
  }

  async seeWhetherItIsBack() {
    await this.client.get("/readyz");
    this.failing = null;
    this.onupdate();
  }

  async fetchStates() {
    await this.attemptTo(async () => {
      const base = `/organizations/${this.organizationId}`;
      const [units, alerts] = await Promise.all([
        this.client.all(`${base}/units`),
        this.client.openAlerts(this.organizationId),
      ]);
      this.takeStates(units, alerts);
    });
  }

  takeStates(units, alerts) {
    const patched = units.map((unit) => patchedUnit(this.fleet, unit));
    if (patched.includes(null) || units.length !== this.fleet.units.size) this.allAt = null; // the fleet itself changed
    const known = patched.filter((unit) => unit !== null);
    const open = new Map(alerts.map((alert) => [alert.id, alert]));
    this.take({ ...this.fleet, units: new Map(known.map((unit) => [unit.id, unit])), alerts: open });
  }

  /** Frames that come while an answer is on its way wait for it: they may be newer than what it says. */
  async attemptTo(work) {
    this.waiting = [];
    try {
      await work();
      if (!this.stopped) this.succeeded();
    } catch (error) {
      if (!this.stopped) this.failed(error);
    }
    this.applyWaiting();
    if (!this.stopped) this.onupdate();
  }

  applyWaiting() {
    const frames = this.waiting;
    this.waiting = null;
    for (const frame of this.fleet && !this.stopped ? frames : []) this.apply(frame);
  }

  succeeded() {
    if (!this.known.fetchedAt) this.feed.start(Object.values(this.topics), this);
    this.caughtUp();
    this.known = { ...this.known, fetchedAt: this.now() };
    this.askSoon(this.allAt === null ? 0 : POLL_EVERY);
  }

  caughtUp() {
    if (this.lostAt !== null) this.backAt = this.now();
    this.failing = null;
    this.lostAt = null;
    this.attempt = 0;
  }

  failed(error) {
    this.allAt = null;
    if (error instanceof ApiError && NOT_OURS.includes(error.status)) return this.onrefused(error);
    this.failing = error;
    this.lostAt ??= lastKnown(this.known) || this.now();
    this.askSoon(pauseBefore(this.attempt));
    this.attempt += 1;
  }

  take(fleet) {
    const before = this.fleet;
    this.fleet = fleet;
    if (before) this.onalerts(newlyOpen(before.alerts, fleet.alerts), before.alerts);
    this.onupdate();
  }

  // --- what the feed says

  heard() {
    this.known = { ...this.known, heardAt: this.now(), feedOpen: true };
  }

  closed() {
    if (this.known.feedOpen) this.lostAt ??= lastKnown(this.known);
    this.known = { ...this.known, feedOpen: false };
    this.askSoon(0);
    this.onupdate();
  }

  snapshotNeeded() {
    this.allAt = null;
    this.askSoon(0);
  }

  framed(frame) {
    if (this.waiting) this.waiting.push(frame);
    else if (this.fleet) this.apply(frame);
  }

  apply(frame) {
    if (frame.topic === this.topics.units) this.applyUnits(frame);
    else if (frame.topic === this.topics.alerts) this.applyAlerts(frame);
    else this.onframe(frame);
  }

  applyUnits({ units = [], gone = [] }) {
    const next = new Map(this.fleet.units);
    for (const patch of units) this.applyUnit(next, patch);
    for (const id of gone) next.delete(id);
    this.take({ ...this.fleet, units: next });
  }

  /** What people change (a name, a place, limits) is asked for anew; so is a unit that is new. */
  applyUnit(units, patch) {
    const known = units.get(patch.id);
    const unit = patchedUnit({ units }, patch);
    if (unit) units.set(unit.id, unit);
    if (!unit || isEdited(patch, known)) this.snapshotNeeded();
  }

  /** An alert as an answer to a deed of this page shows it: true at once, whatever the feed does. */
  took(alert) {
    this.applyAlerts({ type: "alerts", alerts: [alert] });
  }

  applyAlerts({ type, alerts }) {
    const next = type === "snapshot" ? new Map() : new Map(this.fleet.alerts);
    for (const each of alerts) {
      const alert = each.alert ?? each;
      if (isOpen(alert)) next.set(alert.id, alert);
      else next.delete(alert.id);
    }
    this.take({ ...this.fleet, alerts: next });
  }
}

function isEdited(patch, known) {
  return Boolean(patch.updatedAt) && Date.parse(patch.updatedAt) !== Date.parse(known.updatedAt);
}
