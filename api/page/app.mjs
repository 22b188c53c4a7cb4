/** The start: who is signed in, what is shown, and what happens with every tick, frame and key. */

import { Client } from "./client.mjs";
import { h, put, say } from "./dom.mjs";
import { Feed } from "./feed.mjs";
import { Live } from "./live.mjs";
import { login } from "./login.mjs";
import { overview } from "./overview.mjs";
import { Preferences } from "./preferences.mjs";
import { isOutdated } from "./release.mjs";
import { Session } from "./session.mjs";
import { Shell } from "./shell.mjs";
import { Trends } from "./trends.mjs";
import { ALERT_TYPES, wordOf } from "./words.mjs";

const IS_WALL = location.pathname === "/wall";
/** What the first view does not need comes when it is asked for. */
const VIEWS = {
  units: async (id) => (await import("./unit.mjs")).unit(app, id),
  alerts: async (id) => (await import("./alerts.mjs")).alerts(app, id),
  sensors: async () => (await import("./pending.mjs")).pending(app),
};
const WALL = async () => (await import("./wall.mjs")).wall(app);

const clock = { ahead: 0 };
const root = document.getElementById("app");
const announcer = document.getElementById("announcer");

const app = {
  preferences: new Preferences(localStorage),
  session: new Session((...given) => fetch(...given), localStorage, navigator.locks),
  me: null,
  view: null,
  now: () => Date.now() + clock.ahead,
  ahead: () => clock.ahead,
  may: (action) => app.me?.permissions.includes(action) ?? false,
  scale: () => app.preferences.get("scale"),
  go: (path) => {
    location.hash = path;
  },
  announce: (text) => say(announcer, text),
};
app.client = new Client(app.session, setClock);
app.feed = new Feed(app.session);
app.live = new Live(app.client, app.feed, Date.now);
app.trends = makeTrends();

function makeTrends() {
  return new Trends((range) => app.client.trends(app.live.organizationId, range), app.now);
}

/** Ages are counted by the server's clock: this machine's may be wrong by hours. Two seconds are only the way. */
function setClock(serverTime) {
  const ahead = serverTime + 500 - Date.now();
  if (Number.isFinite(ahead) && Math.abs(ahead - clock.ahead) > 2000) clock.ahead = ahead;
}

function applyTheme() {
  const theme = app.preferences.get("theme");
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** Draw what has changed, at most so often: frames may come by the hundred, and eyes do not. */
const DRAW_EVERY = 200;
/** With thousands of tiles drawing takes its time: then it is done more seldom, so that clicks are heard. */
const REST = 8;
const drawing = { timer: null, pause: DRAW_EVERY };

function update() {
  drawing.timer ??= setTimeout(() => {
    const began = performance.now();
    drawing.timer = null;
    app.shell?.update();
    app.view?.update?.();
    drawing.pause = Math.max(DRAW_EVERY, (performance.now() - began) * REST);
  }, drawing.pause);
}

async function begin() {
  applyTheme();
  if (!app.session.signedIn) return showLogin();
  try {
    app.me = await app.client.me();
  } catch (error) {
    return app.session.signedIn ? showTrouble(error) : undefined;
  }
  if (app.me.organizationId === null) return showTrouble(new Error("You belong to no organization yet."));
  await showSignedIn();
}

async function showSignedIn() {
  app.shell = IS_WALL ? null : new Shell(app);
  if (app.shell) put(root, app.shell.element);
  app.live.start(app.me.organizationId);
  await route();
}

function showLogin(note = "") {
  leave();
  if (IS_WALL) return showNotSignedIn();
  show(login(app, note, begin), root);
}

function showNotSignedIn() {
  put(
    root,
    h(
      "main",
      { class: "center" },
      h("h1", {}, "Not signed in"),
      h(
        "p",
        {},
        "This display shows what the browser's session may see. ",
        h("a", { href: "/" }, "Sign in"),
        " and come back.",
      ),
    ),
  );
}

function showTrouble(error) {
  leave();
  const retry = setTimeout(begin, 5000);
  const again = h("button", { type: "button", onclick: () => clearTimeout(retry) || begin() }, "Try again");
  const out = h(
    "button",
    { type: "button", onclick: () => clearTimeout(retry) || app.session.logout().then(() => showLogin()) },
    "Sign out",
  );
  put(
    root,
    h(
      "main",
      { class: "center" },
      h("h1", {}, "FrostGuard"),
      h("p", { role: "alert" }, error.message),
      h("p", { class: "row" }, again, out),
    ),
  );
}

/** Views may come late: one that somebody has left meanwhile must not take the place of the next. */
let routes = 0;

/** End what is shown of the last session. */
function leave() {
  routes++;
  app.live.stop();
  app.view?.close?.();
  app.live = wired(new Live(app.client, app.feed, Date.now));
  app.trends = makeTrends();
  Object.assign(app, { shell: null, view: null, me: null });
}

function wired(live) {
  live.onupdate = update;
  live.ontick = update;
  live.onalerts = (fresh, before) => {
    for (const alert of fresh)
      app.announce(`New alert: ${wordOf(ALERT_TYPES, alert.alertType)}, ${alert.unitName ?? alert.title}`);
    app.view?.alertsChanged?.(before);
  };
  live.onrefused = showTrouble;
  live.onframe = (frame) => app.view?.frame?.(frame);
  return live;
}

/** "#/units/<id>" -> the view of that unit. What leads nowhere shows the overview. */
async function route() {
  if (!app.me) return;
  const [name, id] = location.hash.replace(/^#\//, "").split("/");
  const mine = ++routes;
  app.view?.close?.();
  app.view = null;
  const make = (IS_WALL ? WALL : VIEWS[name]) ?? (async () => overview(app));
  let view;
  try {
    view = await make(id);
  } catch (error) {
    return mine === routes ? reloadIfOutdated().then(() => showFault(error)) : undefined;
  }
  if (mine !== routes) return view.close?.();
  show(view, app.shell?.main ?? root);
  app.shell?.update();
  app.shell?.focus();
}

function show(view, place) {
  app.view = view;
  put(place, view.element);
  document.title = view.title ? `${view.title} · FrostGuard` : "FrostGuard";
  view.update?.();
  view.element.querySelector("[data-focus]")?.focus();
}

/** A display that nobody touches takes a new release by itself. */
const LOOK_EVERY = 600_000;

async function reloadIfOutdated() {
  if (await isOutdated(fetch.bind(window), import.meta.url)) location.reload();
}

function showFault(error) {
  const said = h("p", { role: "alert", class: "error" }, `This view could not be loaded: ${error.message}`);
  show({ title: "Trouble", element: said }, app.shell?.main ?? root);
}

const KEYS = { o: "#/", a: "#/alerts", s: "#/sensors" };

/** Single keys work only outside of fields, and can be turned off: a speech input must not set them off. */
function onKey(event) {
  if (!app.preferences.get("shortcuts") || !app.me || IS_WALL) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  const search = document.querySelector("[data-search]");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  } else if (KEYS[event.key]) location.hash = KEYS[event.key];
}

app.signOut = async () => {
  showLogin();
  await app.session.logout();
};
app.restart = () => {
  leave();
  return begin();
};
app.session.onended = showLogin;
app.preferences.onchange = () => {
  applyTheme();
  update();
  app.view?.redraw?.();
};
wired(app.live);
if (IS_WALL) setInterval(reloadIfOutdated, LOOK_EVERY);
addEventListener("hashchange", route);
addEventListener("keydown", onKey);
addEventListener("online", () => app.live.askSoon(0));
document.addEventListener("visibilitychange", () => document.hidden || app.live.tick());
/** Another tab signed in or out, or chose other preferences. */
addEventListener("storage", () => {
  app.preferences.read();
  app.preferences.onchange();
  if (Boolean(app.me) !== app.session.signedIn) app.restart();
});
begin();
