/** What this browser prefers: the scale, light or dark, how a wall display calls. Kept here, never sent anywhere. */

const KEY = "frostguard.preferences";

export const DEFAULTS = { scale: "C", theme: "auto", shortcuts: true, wallFlash: false, wallSound: false };

const ALLOWED = {
  scale: ["C", "F"],
  theme: ["auto", "light", "dark"],
  shortcuts: [true, false],
  wallFlash: [true, false],
  wallSound: [true, false],
};

/** Preferences out of what was stored: what is missing or nonsense has its default. */
export function parsePreferences(text) {
  let given = null;
  try {
    given = JSON.parse(text);
  } catch {
    // what cannot be read is as good as nothing
  }
  const names = Object.keys(DEFAULTS);
  return Object.fromEntries(names.map((n) => [n, ALLOWED[n].includes(given?.[n]) ? given[n] : DEFAULTS[n]]));
}

export class Preferences {
  constructor(storage) {
    this.storage = storage;
    this.onchange = () => {};
    this.read();
  }

  /** Read them again: another tab may have changed them. */
  read() {
    this.values = parsePreferences(this.storage.getItem(KEY));
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    this.values = { ...this.values, [name]: value };
    this.storage.setItem(KEY, JSON.stringify(this.values));
    this.onchange();
  }
}
