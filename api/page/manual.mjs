/** Writing down a temperature that somebody read: what a unit asks for when its sensor is silent. */

import { ask, field } from "./dialog.mjs";
import { h } from "./dom.mjs";

/** A button that opens the form. One key for each form: sent twice, it is one log. */
export function recordForm(app, unitId) {
  return h("p", {}, h("button", { type: "button", onclick: () => open(app, unitId) }, "Write down a temperature"));
}

function open(app, unitId) {
  const scale = app.scale();
  const key = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
  const value = h("input", { type: "number", step: "0.1", required: true, inputmode: "decimal" });
  const notes = h("textarea", { maxlength: 500 });
  const action = h("textarea", { maxlength: 2000 });
  ask({
    title: "Write down a temperature",
    fields: [
      field(`Temperature in °${scale}`, value),
      field("Notes", notes),
      field("What was done (needed out of limits)", action),
    ],
    submit: "Save",
    onsubmit: async () => {
      const done = action.value.trim() ? { correctiveAction: { actionTaken: action.value.trim() } } : {};
      const log = {
        temperature: value.valueAsNumber,
        unit: scale,
        loggedAt: new Date(app.now()).toISOString(),
        notes: notes.value.trim() || null,
        ...done,
      };
      await app.client.record(unitId, log, key);
      app.announce("The temperature is written down.");
      app.live.askSoon(0);
    },
  });
}
