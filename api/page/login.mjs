/** Signing in. */

import { h, say } from "./dom.mjs";

/** The view; `note` says why one has to sign in again, `onsuccess` is called when one has. */
export function login(app, note, onsuccess) {
  const email = h("input", {
    id: "email",
    type: "email",
    name: "email",
    autocomplete: "username",
    required: true,
    "data-focus": true,
  });
  const password = h("input", {
    id: "password",
    type: "password",
    name: "password",
    autocomplete: "current-password",
    required: true,
  });
  const error = h("p", { role: "alert", class: "error" }, note);
  const button = h("button", { type: "submit", class: "primary" }, "Sign in");
  const form = h(
    "form",
    { class: "card login", onsubmit: submit },
    h("h1", {}, "FrostGuard"),
    h("p", { class: "quiet" }, "Every fridge and freezer, as it is now."),
    h("label", { for: "email" }, "Email"),
    email,
    h("label", { for: "password" }, "Password"),
    password,
    error,
    button,
  );

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    say(error, "");
    try {
      await app.session.login(email.value, password.value);
      await onsuccess();
    } catch (problem) {
      say(error, problem.message);
      password.select();
    } finally {
      button.disabled = false;
    }
  }

  return { title: "Sign in", element: h("main", { class: "center" }, form) };
}
