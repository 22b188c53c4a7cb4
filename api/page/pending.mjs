/** Sensors that speak and watch no unit yet: somebody says which one. */

import { ask, field, messagesOf } from "./dialog.mjs";
import { h, put, say } from "./dom.mjs";
import { dateAndClock, duration } from "./format.mjs";
import { wordOf } from "./words.mjs";

export function pending(app) {
  const list = h("ul", { class: "sensors" });
  const said = h("p", { class: "quiet", role: "status" });
  const hint = h("p", { class: "quiet" }, "Readings of these sensors are kept. They move to the unit that you choose.");
  const element = h("div", {}, h("h1", {}, "Sensors without a unit"), hint, said, list);

  function update() {
    const { fleet } = app.live;
    if (!fleet) return;
    const shown = fleet.pending.map((sensor) => [sensor.id, sensor.name]);
    const key = JSON.stringify([app.may("sensors.manage"), shown]);
    if (element.dataset.key === key) return;
    element.dataset.key = key;
    put(
      list,
      fleet.pending.map((sensor) => item(app, sensor)),
    );
    say(said, fleet.pending.length ? "" : "Every sensor has its unit.");
  }

  return { title: "Sensors", element, update };
}

function item(app, sensor) {
  const zone = app.live.fleet.organization.timezone;
  const seen = sensor.firstSeenAt
    ? `first heard ${dateAndClock(Date.parse(sensor.firstSeenAt), zone)}`
    : "not heard yet";
  const words = [wordOf({}, sensor.kind), `every ${duration(sensor.reportIntervalSeconds * 1000)}`, seen];
  const name = sensor.name ?? sensor.serial;
  const assign = h(
    "button",
    { type: "button", "aria-label": `Assign ${name}`, onclick: () => open(app, sensor) },
    "Assign to a unit",
  );
  return h(
    "li",
    { class: "card row", "data-sensor": sensor.id },
    h("div", { class: "grow" }, h("strong", {}, name), h("p", { class: "quiet" }, words.join(" · "))),
    app.may("sensors.manage") ? assign : null,
  );
}

async function open(app, sensor) {
  const choice = h("select", { required: true }, h("option", { value: "" }, "Choose …"), groupsOf(app.live.fleet));
  const held = h("p", { class: "quiet" });
  ask({
    title: `Assign ${sensor.name ?? sensor.serial}`,
    fields: [held, field("Unit", choice)],
    submit: "Assign",
    onsubmit: async () => {
      await app.client.assign(sensor.id, choice.value);
      app.announce("The sensor is assigned.");
      app.live.snapshotNeeded();
    },
  });
  try {
    const { heldReadings } = await app.client.sensor(sensor.id);
    say(held, heldReadings ? `${heldReadings} readings wait for it.` : "");
  } catch (error) {
    say(held, messagesOf(error)[0]);
  }
}

/** The units by site and area, as people walk through them. */
function groupsOf(fleet) {
  const groups = new Map();
  for (const unit of [...fleet.units.values()].sort((a, b) => a.name.localeCompare(b.name))) {
    const place = `${unit.siteName} · ${unit.areaName}`;
    groups.set(place, [...(groups.get(place) ?? []), unit]);
  }
  const ordered = [...groups].sort(([a], [b]) => a.localeCompare(b));
  return ordered.map(([place, units]) =>
    h(
      "optgroup",
      { label: place },
      units.map((unit) => h("option", { value: unit.id }, unit.name)),
    ),
  );
}
