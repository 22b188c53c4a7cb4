/** Alerts in a list, and what people may do with each. */

import { ask, field } from "./dialog.mjs";
import { arrange, h, pill, put, say } from "./dom.mjs";
import { isOpen } from "./fleet.mjs";
import { duration, moment, temperature } from "./format.mjs";
import { ALERT_STATUSES, ALERT_TYPES, RESOLVE_REASONS, SEVERITIES, TIMELINE, wordOf } from "./words.mjs";

/** Alerts in a list: an alert that has not changed keeps its element, with an open timeline and the focus in it. */
export class AlertList {
  /** `onchange` is called after somebody did something; `empty` is said where there is none. */
  constructor(app, empty, onchange = () => {}) {
    this.app = app;
    this.onchange = onchange;
    this.items = new Map();
    this.empty = h("li", { class: "quiet" }, empty);
    this.element = h("ul", { class: "alerts" });
  }

  draw(alerts) {
    const items = new Map(alerts.map((alert) => [alert.id, this.itemOf(alert)]));
    this.items = items;
    const elements = [...items.values()].map(({ element }) => element);
    arrange(this.element, elements.length ? elements : [this.empty]);
    this.tick();
  }

  itemOf(alert) {
    const key = JSON.stringify(alert);
    const known = this.items.get(alert.id);
    return known?.key === key ? known : { key, ...alertItem(this.app, alert, this.onchange) };
  }

  /** How long they last, and in which scale they are told, changes without them. */
  tick() {
    for (const { update } of this.items.values()) update();
  }
}

function alertItem(app, alert, onchange) {
  const zone = zoneOf(app, alert);
  const story = h("p", { class: "quiet" });
  const buttons = isOpen(alert) ? deeds(app, alert, onchange) : [];
  const element = h(
    "li",
    { class: `alert is-${alert.severity}`, "data-alert": alert.id },
    h(
      "div",
      { class: "row" },
      pill(alert.severity, SEVERITIES[alert.severity]),
      h("strong", {}, wordOf(ALERT_TYPES, alert.alertType)),
      h("span", { class: `tag is-${alert.status}` }, wordOf(ALERT_STATUSES, alert.status)),
    ),
    h("p", {}, placeOf(alert)),
    story,
    noteOf(alert),
    h("div", { class: "row" }, buttons, timelineOf(app, alert, zone)),
  );
  return { element, update: () => say(story, storyOf(alert, app, zone)) };
}

function zoneOf(app, alert) {
  const { fleet } = app.live;
  return fleet?.units.get(alert.unitId)?.zone ?? fleet?.organization.timezone ?? "UTC";
}

function placeOf(alert) {
  if (!alert.unitId) return alert.title;
  return [
    h("a", { href: `#/units/${alert.unitId}` }, alert.unitName ?? "Unit"),
    alert.siteName ? ` · ${alert.siteName}` : "",
  ];
}

function storyOf(alert, app, zone) {
  const scale = app.scale();
  const now = app.now();
  const opened = Date.parse(alert.openedAt);
  const end = alert.resolvedAt ? Date.parse(alert.resolvedAt) : now;
  const words = [
    alert.tempReading !== null ? temperature(alert.tempReading, scale) + limitOf(alert, scale) : "",
    alert.extreme !== null && alert.extreme !== alert.tempReading ? `extreme ${temperature(alert.extreme, scale)}` : "",
    `opened ${moment(opened, now, zone)}`,
    alert.resolvedAt
      ? `resolved ${moment(end, now, zone)} after ${duration(end - opened)}`
      : `for ${duration(end - opened)}`,
    alert.acknowledgedAt ? `acknowledged ${moment(Date.parse(alert.acknowledgedAt), now, zone)}` : "",
  ];
  return words.filter(Boolean).join(" · ");
}

function limitOf({ tempLimit }, scale) {
  return tempLimit === null ? "" : `, the limit is ${temperature(tempLimit, scale)}`;
}

function noteOf(alert) {
  return alert.acknowledgmentNotes ? h("p", {}, `“${alert.acknowledgmentNotes}”`) : null;
}

function deeds(app, alert, onchange) {
  const found = [];
  const isNew = alert.status !== "acknowledged";
  const name = `${wordOf(ALERT_TYPES, alert.alertType)}, ${alert.unitName ?? alert.title}`;
  if (isNew && app.may("alerts.acknowledge")) {
    found.push(
      h(
        "button",
        { type: "button", "aria-label": `Acknowledge: ${name}`, onclick: () => acknowledge(app, alert, onchange) },
        "Acknowledge",
      ),
    );
  }
  if (app.may("alerts.resolve")) {
    found.push(
      h(
        "button",
        { type: "button", "aria-label": `Resolve: ${name}`, onclick: () => resolve(app, alert, onchange) },
        "Resolve",
      ),
    );
  }
  return found;
}

/** The answer of the API is the alert as it is now: shown at once, whatever the feed does. */
function took(app, { said }, words, onchange) {
  app.announce(words);
  app.live.took(said);
  onchange(said);
}

function acknowledge(app, alert, onchange) {
  const note = h("textarea", { maxlength: 2000 });
  ask({
    title: "Acknowledge the alert",
    fields: [
      h("p", {}, "Others see that you take care. It stays open until its cause is gone."),
      field("Note (optional)", note),
    ],
    submit: "Acknowledge",
    onsubmit: async () =>
      took(app, await app.client.acknowledge(alert.id, note.value.trim()), "The alert is acknowledged.", onchange),
  });
}

function resolve(app, alert, onchange) {
  const options = Object.entries(RESOLVE_REASONS).map(([value, word]) => h("option", { value }, word));
  const reason = h("select", {}, options);
  const note = h("textarea", { maxlength: 2000 });
  const action = h("textarea", { maxlength: 2000 });
  const cause = h("textarea", { maxlength: 2000 });
  ask({
    title: "Resolve the alert",
    fields: [
      h("p", {}, "While its cause holds, an alert can be resolved only for one of the reasons below."),
      field("Reason", reason),
      field("Note (optional)", note),
      field("What was done (optional)", action),
      field("Root cause (optional)", cause),
    ],
    submit: "Resolve",
    onsubmit: async () =>
      took(
        app,
        await app.client.resolve(alert.id, resolutionOf(reason, note, action, cause)),
        "The alert is resolved.",
        onchange,
      ),
  });
}

function resolutionOf(...controls) {
  const [reason, note, action, cause] = controls.map((control) => control.value.trim() || null);
  if (cause && !action) throw new Error("Say what was done, not only the root cause.");
  return { reason, note, correctiveAction: action ? { actionTaken: action, rootCause: cause } : null };
}

/** What happened to it, asked for when somebody opens it. */
function timelineOf(app, alert, zone) {
  const list = h("ol", { class: "timeline" });
  const box = h("details", {}, h("summary", {}, "Timeline"), list);
  box.addEventListener("toggle", async () => {
    if (!box.open) return;
    try {
      const { timeline, correctiveActions } = await app.client.alert(alert.id);
      const steps = timeline.map((step) => h("li", {}, stepText(step, app, zone)));
      const done = correctiveActions.map((each) =>
        h("li", {}, `Done: ${each.actionTaken}${each.createdByName ? ` (${each.createdByName})` : ""}`),
      );
      put(list, steps, done);
    } catch (error) {
      put(list, h("li", { class: "error" }, error.message));
    }
  });
  return box;
}

function stepText(step, app, zone) {
  const who = step.actorName ? ` by ${step.actorName}` : "";
  const detail = step.detail ? `: ${step.detail}` : "";
  return `${moment(Date.parse(step.at), app.now(), zone)} ${wordOf(TIMELINE, step.action)}${who}${detail}`;
}
