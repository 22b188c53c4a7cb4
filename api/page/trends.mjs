/** The last 24 hours of many units, asked for a few at a time and kept for a while. */

import { BUCKET_MS, pointsOf } from "./series.mjs";

const KEEP_MS = 600_000;
const RETRY_MS = 60_000;
const AT_ONCE = 4;
/** With fewer hours than this an hourly line says nothing yet: then steps of five minutes do. */
const FEW = 4;

export class Trends {
  constructor(client, now) {
    this.client = client;
    this.now = now;
    this.known = new Map();
    this.waiting = [];
    this.running = 0;
    this.onload = () => {};
  }

  /** What is known of a unit: {points, bucketMs}, null before anything is. Asks for what is missing or old. */
  of(unitId) {
    const known = this.known.get(unitId);
    if (!known || this.now() > known.until) this.request(unitId);
    return this.known.get(unitId)?.trend ?? null;
  }

  request(unitId) {
    const trend = this.known.get(unitId)?.trend ?? null;
    this.known.set(unitId, { trend, until: this.now() + KEEP_MS });
    this.waiting.push(unitId);
    this.next();
  }

  next() {
    if (this.running >= AT_ONCE || !this.waiting.length) return;
    this.running += 1;
    this.load(this.waiting.shift()).finally(() => {
      this.running -= 1;
      this.next();
    });
  }

  async load(unitId) {
    try {
      const trend = await this.fetch(unitId);
      this.known.set(unitId, { trend, until: this.now() + (trend.bucketMs === BUCKET_MS["1h"] ? KEEP_MS : RETRY_MS) });
      this.onload(unitId);
    } catch {
      // A trend is an extra: the tile shows its state without it, and asks again later.
      this.known.set(unitId, { trend: null, until: this.now() + RETRY_MS });
    }
  }

  async fetch(unitId) {
    const hours = await this.client.readings(unitId, { range: "24h", resolution: "1h" });
    if (hours.length >= FEW) return { points: pointsOf(hours, BUCKET_MS["1h"]), bucketMs: BUCKET_MS["1h"] };
    const steps = await this.client.readings(unitId, { range: "24h", resolution: "5m" });
    return { points: pointsOf(steps, BUCKET_MS["5m"]), bucketMs: BUCKET_MS["5m"] };
  }
}
