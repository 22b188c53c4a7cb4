/** The wall display: large tiles that can be read across a room, and a call when something critical begins. */

import { arrange, h, pill, put, say } from "./dom.mjs";
import { countsOf, newlyCritical, worstFirst } from "./fleet.mjs";
import { clock } from "./format.mjs";
import { noteText } from "./shell.mjs";
import { Tiles } from "./tile.mjs";
import { statusOf } from "./words.mjs";

/** A tile that can still be read across a room, in pixels. */
const SMALLEST = { width: 300, height: 245 };
/** A screen that is held in a hand is scrolled; one on a wall is not. */
const PHONE = 480;
const FLASH_MS = 8000;

/**
 * How `count` tiles fill a space: as large as they can be. `room` may be less than `count`; what does not fit is told
 * as numbers, never left out silently. `size` is the factor for everything in a tile.
 */
export function layoutFor(count, { width, height }) {
  const most = Math.max(1, Math.floor(width / SMALLEST.width));
  const deep = Math.max(1, Math.floor(height / SMALLEST.height));
  const choices = Array.from({ length: most }, (_, n) => ({ columns: n + 1, rows: Math.ceil(count / (n + 1)) }));
  const sized = choices.map(({ columns, rows }) => ({
    columns,
    rows,
    size: Math.min(width / columns / SMALLEST.width, height / rows / SMALLEST.height),
  }));
  const best = sized.reduce((a, b) => (b.size > a.size ? b : a), sized[0]);
  if (best.size < 1) return { columns: most, room: most * deep, size: 1 };
  return { columns: best.columns, room: count, size: Math.min(best.size, 2.5) };
}

export function wall(app) {
  const tiles = new Tiles(app);
  const list = h("ul", { class: "tiles wall-tiles" });
  const time = h("p", { class: "wall-clock" });
  const counts = h("p", { class: "row" });
  const rest = h("p", { class: "row", role: "status" });
  const note = h("p", { class: "note", role: "status", hidden: true });
  const bell = new Bell(app);
  const title = h("h1", {}, "");
  const head = h("header", { class: "wall-head" }, title, counts, time, bell.controls);
  const element = h("main", { class: "wall" }, head, note, list, rest);

  function update() {
    const { fleet, phase, note: told } = app.live;
    note.hidden = told === null;
    note.className = `note note-${told?.kind ?? "none"}`;
    say(note, told ? noteText(told, app) : "");
    if (!fleet) return;
    const rows = worstFirst(fleet, phase, app.now());
    const space = { width: innerWidth, height: innerHeight - head.offsetHeight - note.offsetHeight - 70 };
    const { columns, room, size } = layoutFor(rows.length, space);
    list.style.setProperty("--columns", columns);
    list.style.setProperty("--size", size.toFixed(2));
    const shown = rows.slice(0, innerWidth <= PHONE ? rows.length : room);
    say(title, fleet.organization.name);
    say(time, clock(app.now(), fleet.organization.timezone));
    arrange(
      list,
      shown.map((row) => tiles.of(row, fleet)),
    );
    tell(counts, countsOf(rows));
    tell(rest, countsOf(rows.slice(shown.length)), "More: ");
  }

  function alertsChanged(before) {
    const fresh = newlyCritical(before, app.live.fleet.alerts);
    if (fresh.length) bell.ring(fresh.map((alert) => tiles.elementOf(alert.unitId)));
  }

  document.body.classList.add("on-wall");
  const close = () => document.body.classList.remove("on-wall");
  return { title: "Wall", element, update, redraw: update, alertsChanged, close };
}

function tell(place, counts, before = "") {
  const key = JSON.stringify(counts);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  put(
    place,
    before && counts.length ? before : null,
    counts.map(([name, count]) => pill(name, { ...statusOf(name), word: `${count} ${statusOf(name).word}` })),
  );
}

/** Sound and flash, each only by choice. A browser lets a page sound only after somebody touched it. */
class Bell {
  constructor(app) {
    this.app = app;
    this.audio = null;
    this.hint = h("span", { class: "quiet", hidden: true }, "Touch the page once to allow the sound.");
    this.controls = h(
      "div",
      { class: "row wall-controls" },
      this.box("wallFlash", "Flash"),
      this.box("wallSound", "Sound"),
      this.hint,
    );
    addEventListener("pointerdown", () => this.allow());
    addEventListener("keydown", () => this.allow());
    this.hint.hidden = !app.preferences.get("wallSound");
  }

  box(name, word) {
    const input = h("input", {
      type: "checkbox",
      checked: this.app.preferences.get(name),
      onchange: () => this.set(name, input.checked),
    });
    return h("label", { class: "check" }, input, word);
  }

  set(name, isOn) {
    this.app.preferences.set(name, isOn);
    this.hint.hidden = !this.app.preferences.get("wallSound") || this.isAllowed;
    if (name === "wallSound" && isOn) this.allow().then(() => this.sound());
  }

  get isAllowed() {
    return this.audio?.state === "running";
  }

  async allow() {
    if (!this.app.preferences.get("wallSound")) return;
    this.audio ??= new AudioContext();
    await this.audio.resume();
    this.hint.hidden = this.isAllowed;
  }

  ring(elements) {
    if (this.app.preferences.get("wallFlash")) flash([document.body, ...elements.filter(Boolean)]);
    if (this.app.preferences.get("wallSound") && this.isAllowed) this.sound();
  }

  /** Two soft tones, twice. */
  sound() {
    if (!this.isAllowed) return;
    const start = this.audio.currentTime;
    [660, 880, 660, 880].forEach((frequency, n) => this.tone(frequency, start + n * 0.28));
  }

  tone(frequency, at) {
    const oscillator = new OscillatorNode(this.audio, { frequency });
    const gain = new GainNode(this.audio, { gain: 0 });
    oscillator.connect(gain).connect(this.audio.destination);
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.25, at + 0.03);
    gain.gain.linearRampToValueAtTime(0, at + 0.25);
    oscillator.start(at);
    oscillator.stop(at + 0.3);
  }
}

/** At one change a second it stays far below what harms; with reduced motion the frame only stands (page.css). */
function flash(elements) {
  for (const element of elements) element.classList.add("flash");
  setTimeout(() => elements.forEach((element) => element.classList.remove("flash")), FLASH_MS);
}
