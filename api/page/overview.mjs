/** All units as tiles, worst first, with the sites above them; search and filters. */

import { arrange, h, pill, put, say, shape } from "./dom.mjs";
import { countsOf, matches, worstFirst } from "./fleet.mjs";
import { Tiles } from "./tile.mjs";
import { STATUSES, statusOf } from "./words.mjs";

/** What was looked for stays while one looks at a unit and comes back. */
const filter = { text: "", site: "", status: "" };

export function overview(app) {
  const tiles = new Tiles(app);
  const sites = h("div", { class: "sites", role: "group", "aria-label": "Sites" });
  const counts = h("div", { class: "counts", role: "group", "aria-label": "Statuses" });
  const search = h("input", {
    type: "search",
    placeholder: "Name or place",
    "aria-label": "Search units",
    "data-search": true,
    value: filter.text,
  });
  const found = h("p", { class: "quiet", role: "status" });
  const list = h("ul", { class: "tiles" });
  const empty = h("p", { class: "quiet" });
  const element = h(
    "div",
    {},
    h("h1", {}, "Overview"),
    sites,
    h("div", { class: "row filters" }, search, counts),
    found,
    list,
    empty,
  );
  search.addEventListener("input", () => {
    filter.text = search.value;
    update();
  });

  function update() {
    const { fleet, phase } = app.live;
    if (!fleet) return say(empty, app.live.failing ? "Nothing could be loaded yet." : "Loading …");
    const all = worstFirst(fleet, phase, app.now());
    const rows = all.filter((row) => matches(row, filter));
    showSites(all, fleet);
    showCounts(all.filter((row) => matches(row, { ...filter, status: "" })));
    arrange(
      list,
      rows.map((row) => tiles.of(row, fleet)),
    );
    say(found, rows.length === all.length ? "" : `${rows.length} of ${all.length} units`);
    say(empty, all.length ? "" : "There are no units yet.");
  }

  function choose(name, value) {
    filter[name] = filter[name] === value ? "" : value;
    update();
  }

  function showSites(rows, fleet) {
    const shown = fleet.sites.map((site) => ({
      site,
      counts: countsOf(rows.filter((row) => row.unit.siteId === site.id)),
    }));
    shown.sort((a, b) => worstOf(a.counts) - worstOf(b.counts));
    const key = JSON.stringify([shown, filter.site]);
    if (sites.dataset.key === key) return;
    sites.dataset.key = key;
    keepFocus(sites, () =>
      put(
        sites,
        shown.map(({ site, counts: its }) => siteTile(site, its, filter.site, choose)),
      ),
    );
  }

  function showCounts(rows) {
    const its = countsOf(rows);
    const key = JSON.stringify([its, filter.status]);
    if (counts.dataset.key === key) return;
    counts.dataset.key = key;
    const names = filter.status && !its.some(([name]) => name === filter.status) ? [...its, [filter.status, 0]] : its;
    keepFocus(counts, () =>
      put(
        counts,
        names.map(([name, count]) => countButton(name, count, filter.status, choose)),
      ),
    );
  }

  return { title: "Overview", element, update, redraw: update };
}

/** Buttons are made anew when numbers change; the one that had the focus has it again. */
function keepFocus(group, rebuild) {
  const place = [...group.children].indexOf(document.activeElement);
  rebuild();
  if (place >= 0) group.children[Math.min(place, group.children.length - 1)]?.focus();
}

function worstOf(counts) {
  return counts.length ? statusOf(counts[0][0]).rank : Infinity;
}

function siteTile(site, counts, chosen, choose) {
  const worst = counts[0]?.[0] ?? "ok";
  const units = counts.reduce((sum, [, count]) => sum + count, 0);
  const bad = counts
    .filter(([name]) => name !== "ok")
    .map(([name, count]) => `${count} ${statusOf(name).word.toLowerCase()}`);
  return h(
    "button",
    {
      type: "button",
      class: `site is-${worst}`,
      "aria-pressed": String(site.id === chosen),
      onclick: () => choose("site", site.id),
    },
    shape(statusOf(worst).shape),
    h("span", { class: "site-name" }, site.name),
    h("span", { class: "quiet" }, `${units} ${units === 1 ? "unit" : "units"}: ${bad.join(", ") || "all OK"}`),
  );
}

function countButton(name, count, chosen, choose) {
  const { word, shape: drawn } = STATUSES[name] ?? statusOf(name);
  return h(
    "button",
    { type: "button", class: "count", "aria-pressed": String(name === chosen), onclick: () => choose("status", name) },
    pill(name, { word: `${count} ${word}`, shape: drawn }),
  );
}
