/** One unit on the overview and on the wall: made once, then brought up to date in place. */

import { h, pill, put, say } from "./dom.mjs";
import { alertsOf } from "./fleet.mjs";
import { ago, clock, moment, temperature } from "./format.mjs";
import { trendOf } from "./trend.mjs";
import { statusOf } from "./words.mjs";

/** Tiles that are in sight, or nearly: only those ask for their line of 24 hours. */
const inSight = new WeakSet();
const observer =
  globalThis.IntersectionObserver &&
  new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) inSight.add(target);
        else inSight.delete(target);
      }
    },
    { rootMargin: "300px" },
  );

/** The tiles of a view: one for each unit, kept while the view stands. */
export class Tiles {
  constructor(app) {
    this.app = app;
    this.made = new Map();
  }

  /** The element of a unit's tile, brought up to date. */
  of(row, fleet) {
    const { id } = row.unit;
    if (!this.made.has(id)) this.made.set(id, new Tile(this.app, row.unit));
    const tile = this.made.get(id);
    tile.update(row, alertsOf(fleet, id));
    return tile.element;
  }

  elementOf(id) {
    return this.made.get(id)?.element;
  }
}

class Tile {
  constructor(app, unit) {
    this.app = app;
    this.name = h("a", { href: `#/units/${unit.id}` });
    this.place = h("p", { class: "place" });
    this.status = h("p", { class: "status" });
    this.value = h("p", { class: "value" });
    this.trend = h("div", { class: "trend-box" });
    this.age = h("p", { class: "age" });
    this.more = h("p", { class: "more" });
    this.element = h(
      "li",
      { class: "tile", "data-unit": unit.id },
      h("div", { class: "tile-head" }, h("h2", {}, this.name), this.place),
      h("div", { class: "now" }, this.value, this.status),
      this.trend,
      this.age,
      this.more,
    );
    observer.observe(this.element);
  }

  /** `row` is {unit, shown} as `worstFirst` gives it; `alerts` the unit's open ones. */
  update(row, alerts) {
    const { unit, shown } = row;
    const scale = this.app.scale();
    const now = this.app.now();
    say(this.name, unit.name);
    say(this.place, `${unit.siteName} · ${unit.areaName}`);
    this.updateStatus(shown);
    say(this.value, temperature(unit.lastTemperature, scale));
    say(this.age, ageText(row, now));
    say(this.more, moreText(unit, alerts));
    this.updateTrend(unit, now, scale);
  }

  updateStatus(shown) {
    const key = `${shown.status} ${shown.was ?? ""}`;
    if (this.statusKey === key) return;
    this.statusKey = key;
    this.element.className = `tile is-${shown.status}`;
    const was = shown.was ? h("span", { class: "was" }, `was ${statusOf(shown.was).word}`) : null;
    put(this.status, pill(shown.status, statusOf(shown.status)), was);
  }

  /** The line is drawn anew when something in it changes, and each minute because time goes on. */
  updateTrend(unit, now, scale) {
    if (!inSight.has(this.element)) return;
    const trend = this.app.trends.of(unit);
    const key = `${trend?.points.length} ${trend?.points.at(-1)?.at} ${Math.floor(now / 60_000)} ${scale}`;
    if (this.trendKey === key) return;
    this.trendKey = key;
    put(this.trend, trendOf(unit, trend, now, scale));
  }
}

/** How old the newest reading is; in plain words where nothing comes any more. */
export function ageText({ unit, shown }, now) {
  const at = unit.lastReadingAt;
  if (at === null) return "No reading yet";
  const isSilent = unit.dataState !== "fresh" || shown.since;
  return isSilent
    ? `No data since ${moment(at, now, unit.zone)} (${ago(now - at)})`
    : `${clock(at, unit.zone)}, ${ago(now - at)}`;
}

function moreText(unit, alerts) {
  const waiting = alerts.filter((alert) => alert.status !== "acknowledged").length;
  const words = [
    waiting ? `${waiting} ${waiting === 1 ? "alert" : "alerts"}` : "",
    alerts.length > waiting ? "acknowledged" : "",
    unit.doorOpen ? "door open" : "",
  ];
  return words.filter(Boolean).join(" · ");
}
