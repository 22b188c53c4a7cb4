/** The last 24 hours of all units, asked for at once and kept for a while. */

const KEEP_MS = 600_000;
const RETRY_MS = 60_000;
const DAY_MS = 86_400_000;
/** With fewer hours than this an hourly line says nothing yet: then steps of five minutes do. */
const FEW = 4;

export class Trends {
  /** `ask(range)` gets the answer of `GET /organizations/{id}/trends`; `now` is the server's time, ms. */
  constructor(ask, now) {
    this.ask = ask;
    this.now = now;
    this.known = new Map();
    this.askedAt = -Infinity;
    this.isAsking = false;
  }

  /** What is known of a unit: {points, bucketMs}, null before anything is. Asks for all of them when that is old. */
  of(unit) {
    const trend = this.known.get(unit.id) ?? null;
    const isGrowing = (trend === null || trend.isShort) && unit.lastReadingAt > this.now() - DAY_MS;
    if (this.now() - this.askedAt > (isGrowing ? RETRY_MS : KEEP_MS)) this.load();
    return trend;
  }

  async load() {
    if (this.isAsking) return;
    this.isAsking = true;
    this.askedAt = this.now();
    try {
      this.known = await this.fetch();
    } catch {
      // A trend is an extra: the tile shows its state without it, and asks again later.
    } finally {
      this.isAsking = false;
    }
  }

  async fetch() {
    const day = trendsOf(await this.ask("24h"));
    const hasFew = [...day.values()].some(({ points }) => points.length && points.length < FEW);
    if (!hasFew) return day;
    const hours = trendsOf(await this.ask("6h"));
    const finer = ([id, trend]) => [id, trend.points.length < FEW ? shortOf(hours.get(id) ?? trend) : trend];
    return new Map([...day].map(finer));
  }
}

function shortOf(trend) {
  return { ...trend, isShort: true };
}

/** Unit -> {points, bucketMs} of those that measured anything. A point stands in the middle of its step. */
export function trendsOf({ from, stepSeconds, units }) {
  const bucketMs = stepSeconds * 1000;
  const first = Date.parse(from) + bucketMs / 2;
  const pointOf = ([number, value, low, high]) => ({ at: first + number * bucketMs, value, low, high });
  const measured = units.filter(({ points }) => points.length);
  return new Map(measured.map(({ unitId, points }) => [unitId, { points: points.map(pointOf), bucketMs }]));
}
