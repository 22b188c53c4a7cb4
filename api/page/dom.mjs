/** Elements without markup: every text becomes a text node, so no name can ever become an element or a script. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `on...` is a listener, true an empty attribute; null, undefined and false are left out. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Set a text only where it differs: screen readers and selections are left in peace. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function put(element, ...children) {
  element.replaceChildren(...children.flat().filter(Boolean));
}

/** Bring children into this order with as few moves as can be; an element that has the focus keeps it. */
export function arrange(parent, wanted) {
  const focused = document.activeElement;
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  wanted.forEach((child, place) => {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  if (focused && focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}

const SHAPES = {
  octagon: ["M7 2h10l5 5v10l-5 5H7l-5-5V7z", "M12 7v6M12 16.2v.6"],
  triangle: ["M12 2.5 22.5 21h-21z", "M12 9v5.5M12 17.4v.4"],
  cross: ["M3 3h18v18H3z", "m8 8 8 8m0-8-8 8"],
  hand: ["M5 2h14v20H5z", "M9 7h6M9 11h6M9 15h3"],
  clock: ["M12 2a10 10 0 1 0 .01 0z", "M12 7v5l3.5 2.5"],
  ring: ["M12 2a10 10 0 1 0 .01 0z", "M8 13.5 12 9l4 4.5"],
  tick: ["M12 2a10 10 0 1 0 .01 0z", "m7.5 12.5 3 3 6-7"],
  dashed: ["M12 2a10 10 0 1 0 .01 0z", "M8 12h.5M11.8 12h.5M15.6 12h.5"],
};

/** The shape of a status, for whoever does not see its colour. The word beside it says the same, so it is hidden. */
export function shape(name) {
  const [body, mark] = SHAPES[name];
  return svg(
    "svg",
    { viewBox: "0 0 24 24", class: `shape shape-${name}`, "aria-hidden": "true", focusable: "false" },
    svg("path", { d: body, class: "shape-body" }),
    svg("path", { d: mark, class: "shape-mark" }),
  );
}

/** A pill: shape and word, coloured by `name` (see page.css). */
export function pill(name, { word, shape: drawn }) {
  return h("span", { class: `pill is-${name}` }, shape(drawn), h("span", {}, word));
}
