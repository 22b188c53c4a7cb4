/** One unit: how it stands, its chart, its alerts, its sensors, its settings. */

import { AlertList } from "./alert_list.mjs";
import { Chart } from "./chart.mjs";
import { h, pill, put, say } from "./dom.mjs";
import { alertsOf, isOpen } from "./fleet.mjs";
import { duration, moment, temperature } from "./format.mjs";
import { shownStatus } from "./freshness.mjs";
import { loadFigures, loadHistory, modelOf, withReadings } from "./history.mjs";
import { recordForm } from "./manual.mjs";
import { resolutionOf } from "./series.mjs";
import { settingsOf } from "./settings.mjs";
import { tableOf } from "./table.mjs";
import { ageText } from "./tile.mjs";
import { RANGES, UNIT_TYPES, statusOf, wordOf } from "./words.mjs";

/** Without a feed, and for buckets, the chart is asked for anew after this. */
const AGAIN_MS = 60_000;
const REDRAW_MS = 1000;

export function unit(app, id) {
  return new UnitView(app, id);
}

class UnitView {
  constructor(app, id) {
    this.app = app;
    this.id = id;
    this.title = "Unit";
    this.range = "24h";
    this.chart = new Chart();
    this.history = null;
    this.drawnAt = 0;
    this.topic = `unit:${id}:readings`;
    this.build();
    this.load();
    app.feed.follow(this.topic);
  }

  close() {
    this.closed = true;
    this.chart.close();
    this.app.feed.leave(this.topic);
  }

  build() {
    this.heading = h("h1", {}, "…");
    this.place = h("p", { class: "quiet" });
    this.state = h("div", { class: "state row" });
    this.error = h("p", { role: "alert", class: "error" });
    this.facts = h("dl", { class: "facts" });
    this.table = h("details", {}, h("summary", {}, "Values as a table"));
    this.table.addEventListener("toggle", () => this.fillTable());
    this.alerts = new AlertList(this.app, "None in this time.");
    this.sensors = h("ul", { class: "sensors" });
    this.settings = settingsOf(this.app, this.id);
    this.element = h(
      "div",
      {},
      h("div", {}, h("p", {}, h("a", { href: "#/" }, "Overview")), this.heading, this.place),
      this.state,
      this.app.may("manual_logs.create") ? recordForm(this.app, this.id) : null,
      h("section", { class: "card" }, this.rangeButtons(), this.error, this.chart.element, this.facts, this.table),
      section("Alerts", this.alerts.element),
      section("Sensors", this.sensors),
      this.settings.element,
    );
  }

  rangeButtons() {
    const buttons = Object.entries(RANGES).map(([range, word]) =>
      h(
        "button",
        {
          type: "button",
          "data-range": range,
          "aria-pressed": String(range === this.range),
          onclick: () => this.choose(range),
        },
        word,
      ),
    );
    this.ranges = h("div", { class: "ranges row", role: "group", "aria-label": "Time shown" }, buttons);
    return this.ranges;
  }

  choose(range) {
    this.range = range;
    for (const button of this.ranges.children)
      button.setAttribute("aria-pressed", String(button.dataset.range === range));
    this.load();
  }

  async load() {
    const { range } = this;
    this.loadingAt = this.app.now();
    try {
      const history = await loadHistory(this.app.client, this.id, range, this.app.now());
      if (this.closed || range !== this.range) return;
      this.history = history;
      say(this.error, "");
      this.draw();
    } catch (error) {
      say(this.error, error.message);
    }
  }

  /** What no frame carries: the sums of the range, and alerts that are over. */
  async loadFigures() {
    const { range, app } = this;
    this.loadingAt = app.now();
    try {
      const fresh = await loadFigures(app.client, this.id, range, app.now());
      if (this.closed || range !== this.range || !this.history) return;
      this.history = { ...this.history, ...fresh };
      this.isDirty = true;
    } catch {
      // The state of the connection is told elsewhere; the figures are asked for again.
    }
  }

  get unit() {
    return this.app.live.fleet?.units.get(this.id) ?? null;
  }

  // --- what the feed says of it

  frame({ topic, type, readings }) {
    if (topic !== this.topic || !this.history) return;
    if (type === "backlog") this.load();
    else this.history = withReadings(this.history, readings ?? []);
    this.isDirty = true;
  }

  // --- drawing

  update() {
    const { unit } = this;
    if (!unit) return this.app.live.fleet ? say(this.heading, "There is no such unit.") : undefined;
    this.updateState(unit);
    this.updateAlerts();
    const now = this.app.now();
    const isFed = this.app.live.phase === "live" && resolutionOf(this.range) === null;
    if (now - this.loadingAt > AGAIN_MS) isFed ? this.loadFigures() : this.load();
    const pause = this.isDirty ? REDRAW_MS : AGAIN_MS;
    if (now - this.drawnAt > pause && !this.isRead()) this.draw();
  }

  /** Nothing moves away under somebody who reads a value. */
  isRead() {
    return this.chart.chosen !== null && this.chart.chosen !== undefined;
  }

  redraw() {
    this.stateKey = null;
    this.update();
    this.draw();
    this.settings.redraw();
  }

  updateState(unit) {
    const { app } = this;
    const shown = shownStatus(unit, app.live.phase, app.now());
    const scale = app.scale();
    say(this.heading, unit.name);
    say(this.place, `${unit.siteName} · ${unit.areaName} · ${wordOf(UNIT_TYPES, unit.unitType)}`);
    document.title = `${unit.name} · FrostGuard`;
    const age = ageText({ unit, shown }, app.now());
    const since = unit.statusSince && !shown.was ? `since ${moment(unit.statusSince, app.now(), unit.zone)}` : "";
    const key = JSON.stringify([shown, unit.lastTemperature, age, since, scale, unit.doorOpen]);
    if (key === this.stateKey) return;
    this.stateKey = key;
    this.state.className = `state row is-${shown.status}`;
    const was = shown.was ? h("span", { class: "was" }, `was ${statusOf(shown.was).word}`) : null;
    const door = unit.doorOpen ? h("span", { class: "door-open" }, "Door open") : null;
    put(
      this.state,
      h("span", { class: "value" }, temperature(unit.lastTemperature, scale)),
      pill(shown.status, statusOf(shown.status)),
      was,
      h("span", { class: "quiet" }, since),
      h("span", { class: "quiet" }, age),
      door,
    );
  }

  draw() {
    const { unit, history, app } = this;
    if (!unit || !history) return;
    this.drawnAt = app.now();
    this.isDirty = false;
    this.model = modelOf(history, unit, alertsOf(app.live.fleet, this.id), { now: app.now(), scale: app.scale() });
    this.chart.draw(this.model);
    this.chart.element.dataset.range = history.range;
    put(this.facts, factsOf(history.statistics, app.scale()));
    put(
      this.sensors,
      history.sensors.map((sensor) => sensorItem(sensor)),
    );
    this.updateAlerts();
    this.fillTable();
  }

  updateAlerts() {
    const open = alertsOf(this.app.live.fleet, this.id);
    if (open.length < this.openCount) this.loadFigures(); // one is over: from now on it is history
    this.openCount = open.length;
    const past = (this.history?.alerts ?? []).filter((alert) => !isOpen(alert));
    const all = [...new Map([...past, ...open].map((alert) => [alert.id, alert])).values()];
    this.alerts.draw(all.sort((a, b) => b.openedAt.localeCompare(a.openedAt)));
  }

  fillTable() {
    if (!this.table.open || !this.model) return;
    this.table.querySelector(".scroll")?.remove();
    this.table.append(tableOf(this.model));
  }
}

function section(title, ...content) {
  return h("section", { class: "card" }, h("h2", {}, title), content);
}

function factsOf(statistics, scale) {
  const share = `${Math.round(Math.min(1, statistics.completeness) * 100)} %`;
  const facts = [
    ["Mean", temperature(statistics.temperatureMean, scale)],
    ["Lowest", temperature(statistics.temperatureMin, scale)],
    ["Highest", temperature(statistics.temperatureMax, scale)],
    ["Out of limits", duration(statistics.outsideSeconds * 1000)],
    ["Not watched", duration(statistics.unwatchedSeconds * 1000)],
    ["Readings received", share],
  ];
  return facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

function sensorItem(sensor) {
  const every = `every ${duration(sensor.reportIntervalSeconds * 1000)}`;
  const words = [wordOf({}, sensor.kind), every, sensor.isPrimary ? "the unit follows it" : ""];
  return h(
    "li",
    {},
    h("strong", {}, sensor.name ?? sensor.serial),
    " ",
    h("span", { class: "quiet" }, words.filter(Boolean).join(" · ")),
  );
}
