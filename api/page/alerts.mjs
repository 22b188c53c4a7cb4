/** All alerts, newest first, by status, severity, type and site. */

import { AlertList } from "./alert_list.mjs";
import { h, put, say } from "./dom.mjs";
import { selectOf } from "./shell.mjs";
import { ALERT_STATUSES, ALERT_TYPES, SEVERITIES } from "./words.mjs";

const PAGE = 50;
const OPEN = "active,acknowledged,escalated";
const STATUSES = [[OPEN, "Open"], ["", "All"], ...Object.entries(ALERT_STATUSES)];
const SEVERITY_CHOICES = [["", "All"], ...Object.entries(SEVERITIES).map(([name, { word }]) => [name, word])];
const TYPES = [["", "All"], ...Object.entries(ALERT_TYPES)];

const filter = { status: OPEN, severity: "", type: "", site: "" };

export function alerts(app) {
  const list = new AlertList(app, "No alerts.", () => load(null));
  const error = h("p", { class: "error", role: "alert" });
  const more = h("button", { type: "button", hidden: true, onclick: () => load(next) }, "Show more");
  const choices = h("div", { class: "row filters" }, filters());
  const element = h("div", {}, h("h1", {}, "Alerts"), choices, error, list.element, h("p", {}, more));
  let next = null;
  let known = new Map();
  let asked = 0;

  function filters() {
    const { fleet } = app.live;
    const sites = [["", "All"], ...(fleet?.sites ?? []).map((site) => [site.id, site.name])];
    const rows = [
      ["status", "Status", STATUSES],
      ["severity", "Severity", SEVERITY_CHOICES],
      ["type", "Type", TYPES],
      ["site", "Site", sites],
    ];
    const change = (name) => (value) => {
      filter[name] = value;
      load(null);
    };
    return rows.map(([name, label, values]) => selectOf(label, values, filter[name], change(name)));
  }

  /** The first page (null), or the one that follows. Of two requests the later one counts. */
  async function load(path) {
    const number = ++asked;
    try {
      const page = path
        ? await app.client.page(path)
        : await app.client.alerts(app.me.organizationId, { ...filter, limit: PAGE });
      if (number !== asked) return;
      known = new Map([...(path ? known.values() : []), ...page.rows].map((alert) => [alert.id, alert]));
      next = page.next;
      more.hidden = next === null;
      say(error, "");
      draw();
    } catch (problem) {
      if (number === asked) say(error, problem.message);
    }
  }

  function draw() {
    list.draw([...known.values()]);
  }

  /** The list follows what is live: when an open alert changes, the first page is asked for again. */
  let seen = null;
  function update() {
    const { fleet } = app.live;
    list.tick();
    if (!fleet || fleet.alerts === seen || document.querySelector("dialog[open]")) return;
    const key = JSON.stringify([...fleet.alerts.values()].map((alert) => [alert.id, alert.status, alert.severity]));
    seen = fleet.alerts;
    if (key === element.dataset.key) return;
    const isFirst = element.dataset.key === undefined;
    element.dataset.key = key;
    if (isFirst)
      put(choices, filters()); // by now the sites are known
    else load(null);
  }

  load(null);
  return { title: "Alerts", element, update, redraw: draw };
}
