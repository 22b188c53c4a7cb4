/** Keeps the fleet up to date: by the feed where there is one, by asking again where not; and says which of it holds. */

import { isOpen, makeFleet, newlyOpen, patchedUnit } from "./fleet.mjs";
import { POLL_EVERY, lastKnown, pauseBefore, phaseOf } from "./freshness.mjs";

/** Names, intervals and limits change seldom and have no frames: they are asked for again after this. */
const ALL_EVERY = 300_000;
const TICK_MS = 1000;
/** A second that took this long: the machine slept, and what we know is old. */
const SLEPT_MS = 8000;
/** How long "up to date again" stays on the screen. */
const GLAD_MS = 6000;

export class Live {
  constructor(client, feed, now) {
    this.client = client;
    this.feed = feed;
    this.now = now;
    this.fleet = null;
    this.failing = null;
    this.lostAt = null;
    this.backAt = null;
    this.known = { heardAt: null, fetchedAt: null, feedOpen: false };
    this.onupdate = () => {};
    this.ontick = () => {};
    this.onalerts = () => {};
    this.onframe = () => {};
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
    if (this.stopped) return;
    const isDue = !this.allAt || this.now() - this.allAt > ALL_EVERY;
    if (this.phase === "live" && !isDue && !this.failing) this.askSoon(POLL_EVERY);
    else if (isDue || this.failing || !this.fleet) await this.fetchAll();
    else await this.fetchStates();
  }

  /** Everything anew. Errors of the network are told by `note`; others (a role that was taken) rise. */
  async fetchAll() {
    await this.attemptTo(async () => {
      if (this.failing) await this.seeWhetherItIsBack();
      const feedAt = this.feed.position;
      const found = makeFleet(await this.client.fleet(this.organizationId));
      this.allAt = this.now();
      this.take(found);
      this.feed.follow(this.organizationId, feedAt, this);
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

  async attemptTo(work) {
    try {
      await work();
      this.succeeded();
    } catch (error) {
      if (this.stopped) return;
      this.failed(error);
    }
    this.onupdate();
  }

  succeeded() {
    const now = this.now();
    this.known = { ...this.known, fetchedAt: now };
    if (this.lostAt !== null) this.backAt = now;
    this.failing = null;
    this.lostAt = null;
    this.attempt = 0;
    this.askSoon(this.allAt === null ? 0 : POLL_EVERY);
  }

  failed(error) {
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

  unitChanged(patch) {
    const unit = patchedUnit(this.fleet, patch);
    if (!unit) return this.snapshotNeeded();
    this.take({ ...this.fleet, units: new Map(this.fleet.units).set(unit.id, unit) });
  }

  alertChanged(alert) {
    const alerts = new Map(this.fleet.alerts);
    if (isOpen(alert)) alerts.set(alert.id, { ...alerts.get(alert.id), ...alert });
    else alerts.delete(alert.id);
    this.take({ ...this.fleet, alerts });
  }
}
