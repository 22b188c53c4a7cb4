/** A question with fields, over the page; what the API answers to it is shown in it, as it said it. */

import { h, put } from "./dom.mjs";

/**
 * Ask. `fields` are elements; `onsubmit` sends and may throw: then the dialog stays open and says why.
 * `more` are further buttons: [label, deed].
 */
export function ask({ title, fields, submit, onsubmit, more = [] }) {
  const opener = document.activeElement;
  const errors = h("div", { role: "alert", class: "error" });
  const heading = h("h2", { id: "dialog-title" }, title);
  const cancel = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const others = more.map(([label, deed]) => h("button", { type: "button", onclick: () => send(deed) }, label));
  const confirm = h("button", { type: "submit", class: "primary" }, submit);
  const buttons = h("p", { class: "row buttons" }, confirm, others, cancel);
  const form = h(
    "form",
    { onsubmit: (event) => event.preventDefault() || send(onsubmit) },
    heading,
    fields,
    errors,
    buttons,
  );
  const dialog = h("dialog", { class: "card", "aria-labelledby": "dialog-title" }, form);

  async function send(deed) {
    for (const button of buttons.children) button.disabled = true;
    put(errors);
    try {
      await deed();
      dialog.close();
    } catch (error) {
      put(errors, ...messagesOf(error).map((text) => h("p", {}, text)));
    } finally {
      for (const button of buttons.children) button.disabled = false;
    }
  }

  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener?.isConnected) opener.focus();
    else document.querySelector("h1")?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** What an error says to people: the sentence of the API, or one for each member that it complains about. */
export function messagesOf(error) {
  if (error.fields?.length) return error.fields.map(({ field, message }) => (field ? `${field}: ${message}` : message));
  return [error.message];
}

/** A labelled field: `field("Note", h("textarea"))`. */
export function field(label, control) {
  return h("label", { class: "field" }, h("span", {}, label), control);
}
