/** The settings in force for a unit, each with the level that it comes from; whoever may, changes them here. */

import { ask, field } from "./dialog.mjs";
import { h, put, say } from "./dom.mjs";
import {
  difference,
  differenceFromShown,
  differenceToShown,
  fromShown,
  plain,
  temperature,
  toShown,
} from "./format.mjs";
import { SOURCES, sentence } from "./words.mjs";

/** A value with its unit of measure, in the scale that the reader prefers. */
export function valueText(value, unit, scale) {
  if (value === null) return "none";
  if (unit === "°C") return temperature(value, scale);
  if (unit === "K") return difference(value, scale);
  return `${plain(value)} ${unit}`;
}

/** A number of the API as it stands in a field, and back. */
export function toField(value, unit, scale) {
  if (unit === "°C") return Number(toShown(value, scale).toFixed(2));
  return unit === "K" ? Number(differenceToShown(value, scale).toFixed(2)) : value;
}

export function fromField(value, unit, scale) {
  if (unit === "°C") return fromShown(value, scale);
  return unit === "K" ? differenceFromShown(value, scale) : value;
}

function measure(unit, scale) {
  if (unit === "°C") return `°${scale}`;
  return unit === "K" && scale === "F" ? "°F" : unit;
}

/** The section; it asks for the settings when it is opened. */
export function settingsOf(app, unitId) {
  const error = h("p", { class: "error", role: "alert" });
  const body = h("tbody", {});
  const heads = ["Setting", "Value", "From", ...(app.may("units.edit_temp_limits") ? ["Change"] : [])];
  const table = h(
    "table",
    { class: "settings" },
    h("caption", { class: "unseen" }, "Settings in force"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        heads.map((word) => h("th", { scope: "col" }, word)),
      ),
    ),
    body,
  );
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Settings" }, table);
  const box = h(
    "details",
    { class: "card", "data-settings": true },
    h("summary", {}, h("h2", {}, "Settings")),
    error,
    scroll,
  );
  let known = null;
  box.addEventListener("toggle", () => box.open && load());

  async function load() {
    try {
      const [rows, { settings, version }] = await Promise.all([app.client.settingTable(), app.client.settings(unitId)]);
      known = { rows, settings, version };
      say(error, "");
      redraw();
    } catch (problem) {
      say(error, problem.message);
    }
  }

  function redraw() {
    if (!known) return;
    put(
      body,
      known.rows.filter((row) => known.settings.effective[row.name]).map((row) => rowOf(row)),
    );
  }

  function rowOf(row) {
    const { value, source } = known.settings.effective[row.name];
    const name = sentence(row.name);
    const change = h("button", { type: "button", "aria-label": `Change ${name}`, onclick: () => edit(row) }, "Change");
    const mayChange = app.may("units.edit_temp_limits");
    return h(
      "tr",
      { "data-setting": row.name },
      h("th", { scope: "row" }, name, h("span", { class: "quiet" }, ` ${row.description}`)),
      h("td", {}, valueText(value, row.unit, app.scale())),
      h("td", {}, h("span", { class: `source source-${source}` }, SOURCES[source] ?? source)),
      mayChange ? h("td", {}, row.levels.includes("unit") ? change : "") : null,
    );
  }

  function edit(row) {
    const scale = app.scale();
    const { value, source } = known.settings.effective[row.name];
    const shown = value === null ? "" : toField(value, row.unit, scale);
    const input = h("input", {
      type: "number",
      step: row.whole ? "1" : "any",
      value: shown,
      required: true,
      "aria-describedby": "range",
    });
    const reason = h("input", { type: "text", maxlength: 500 });
    const [least, most] = [row.minimum, row.maximum].map((bound) => valueText(bound, row.unit, scale));
    const save = (given) => async () => {
      await app.client.changeSettings(unitId, { [row.name]: given() }, known.version, reason.value.trim());
      app.announce("The setting is changed.");
      app.live.snapshotNeeded();
      await load();
    };
    ask({
      title: sentence(row.name),
      fields: [
        h("p", {}, row.description),
        field(`Value in ${measure(row.unit, scale)}`, input),
        h("p", { class: "quiet", id: "range" }, `From ${least} to ${most}.`),
        field("Why (for the audit log, optional)", reason),
      ],
      submit: "Save",
      onsubmit: save(() => fromField(input.valueAsNumber, row.unit, scale)),
      more: source === "unit" ? [["Inherit again", save(() => null)]] : [],
    });
  }

  return { element: box, redraw };
}
