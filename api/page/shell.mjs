/** What surrounds every view: navigation, the state of the connection, preferences, signing out. */

import { h, say } from "./dom.mjs";
import { clockWithSeconds } from "./format.mjs";

const PHASES = { starting: "Loading", live: "Live", polling: "Every 15 s", lost: "Not live" };

export class Shell {
  constructor(app) {
    this.app = app;
    this.main = h("main", { id: "main", tabindex: "-1" });
    this.links = this.makeLinks();
    this.phase = h("span", { class: "phase" });
    this.note = h("p", { class: "note", role: "status", hidden: true });
    this.element = h("div", { class: "shell" }, skipLink(this.main), this.makeHeader(), this.note, this.main);
  }

  makeHeader() {
    const { app } = this;
    return h(
      "header",
      { class: "top" },
      h("span", { class: "brand" }, "FrostGuard"),
      h("nav", { "aria-label": "Views" }, Object.values(this.links)),
      this.phase,
      organizationChoice(app),
      preferencesOf(app),
      h("button", { type: "button", class: "plain", onclick: app.signOut }, "Sign out"),
    );
  }

  makeLinks() {
    const links = { "": h("a", { href: "#/" }, "Overview"), alerts: h("a", { href: "#/alerts" }, "Alerts") };
    if (this.app.may("sensors.manage")) links.sensors = h("a", { href: "#/sensors" }, "Sensors");
    return links;
  }

  update() {
    const { live } = this.app;
    this.phase.className = `phase phase-${live.phase}`;
    say(this.phase, PHASES[live.phase]);
    this.updateLinks();
    this.updateNote(live.note);
  }

  updateLinks() {
    const here = location.hash.replace(/^#\//, "").split("/")[0];
    const { fleet } = this.app.live;
    for (const [name, link] of Object.entries(this.links)) {
      if (name === here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (!fleet) return;
    say(this.links.alerts, fleet.alerts.size ? `Alerts (${fleet.alerts.size})` : "Alerts");
    if (this.links.sensors)
      say(this.links.sensors, fleet.pending.length ? `Sensors (${fleet.pending.length})` : "Sensors");
  }

  updateNote(note) {
    this.note.hidden = note === null;
    this.note.className = `note note-${note?.kind ?? "none"}`;
    say(this.note, note ? noteText(note, this.app) : "");
  }

  /** After a change of view the keyboard begins at its top. */
  focus() {
    const title = this.main.querySelector("h1") ?? this.main;
    title.setAttribute("tabindex", "-1");
    title.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

/** What is said about the connection. Times are those of the organization, by the server's clock. */
export function noteText({ kind, at }, app) {
  const zone = app.live.fleet?.organization.timezone;
  const time = at ? clockWithSeconds(at + app.ahead(), zone) : "none yet";
  if (kind === "lost") return `Connection lost, last update ${time}. Trying again; what you see may be out of date.`;
  if (kind === "catching-up") return `Connection lost, last update ${time}; catching up.`;
  return `Connected again at ${time}. Everything is up to date.`;
}

function skipLink(main) {
  const jump = (event) => {
    event.preventDefault();
    main.focus();
  };
  return h("a", { href: "#main", class: "skip", onclick: jump }, "Skip to the content");
}

function organizationChoice(app) {
  const { memberships, organizationId } = app.me;
  if (memberships.length < 2) return h("span", { class: "organization" }, memberships[0]?.organizationName ?? "");
  const options = memberships.map((each) =>
    h(
      "option",
      { value: each.organizationId, selected: each.organizationId === organizationId },
      each.organizationName,
    ),
  );
  const choose = async (event) => {
    await app.client.chooseOrganization(event.target.value);
    app.go("/");
    await app.restart();
  };
  return h("select", { "aria-label": "Organization", onchange: choose }, options);
}

const CHOICES = [
  ["scale", "Temperatures in", { C: "°C", F: "°F" }],
  ["theme", "Colours", { auto: "as the system", light: "light", dark: "dark" }],
  ["shortcuts", "Keyboard shortcuts", { true: "on", false: "off" }],
];

function preferencesOf(app) {
  const rows = CHOICES.map(([name, label, values]) => choiceOf(app, name, label, values));
  const keys = h("p", { class: "quiet" }, "Shortcuts: o overview, a alerts, s sensors, / search.");
  const wall = h("p", {}, h("a", { href: "/wall" }, "Wall display"));
  const box = h(
    "details",
    { class: "menu" },
    h("summary", {}, "Preferences"),
    h("div", { class: "card" }, rows, keys, wall),
  );
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    box.open = false;
    box.querySelector("summary").focus();
  });
  return box;
}

function choiceOf(app, name, label, values) {
  const current = String(app.preferences.get(name));
  const options = Object.entries(values).map(([value, word]) =>
    h("option", { value, selected: value === current }, word),
  );
  const change = (event) => {
    const { value } = event.target;
    app.preferences.set(name, typeof app.preferences.get(name) === "boolean" ? value === "true" : value);
  };
  return h("label", { class: "choice" }, h("span", {}, label), h("select", { onchange: change }, options));
}

/** A filter: a labelled select of [value, word] pairs. */
export function selectOf(label, options, value, onchange) {
  const made = options.map(([key, word]) => h("option", { value: key, selected: key === value }, word));
  return h(
    "label",
    { class: "choice" },
    h("span", {}, label),
    h("select", { onchange: (e) => onchange(e.target.value) }, made),
  );
}
