/** The API's calls that this page makes, each by its name. */

import { ApiError } from "./session.mjs";

/** The next page of an answer (`Link: <...>; rel="next"`), as a path; null after the last. */
export function nextOf(link) {
  const found = /<([^>]*)>\s*;\s*rel="next"/.exec(link ?? "");
  if (!found) return null;
  const url = new URL(found[1], "http://page.invalid");
  return url.pathname + url.search;
}

/** A path with a query; what is null, undefined or empty is left out. */
export function pathOf(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/** A list longer than this is not for a page: 50,000 units. */
const MOST_PAGES = 50;

export class Client {
  /** `session` sends; `ondate` hears the server's time (milliseconds) of every answer. */
  constructor(session, ondate = () => {}) {
    this.session = session;
    this.ondate = ondate;
  }

  async ask(method, path, body, headers = {}) {
    const json = body === undefined ? {} : { "Content-Type": "application/json" };
    const init = {
      method,
      headers: { ...json, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    };
    const answer = await this.session.fetch(path, init);
    this.ondate(Date.parse(answer.headers.get("Date")));
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new ApiError(answer.status, said);
    return { said, headers: answer.headers };
  }

  async get(path, query) {
    return (await this.ask("GET", pathOf(path, query))).said;
  }

  /** One page of a list, and the path of the next one. */
  async page(path, query) {
    const { said, headers } = await this.ask("GET", pathOf(path, query));
    return { rows: said, next: nextOf(headers.get("Link")) };
  }

  async all(path, query = {}) {
    const found = [];
    let next = pathOf(path, { limit: 1000, ...query });
    for (let count = 0; next && count < MOST_PAGES; count += 1) {
      const { rows, next: following } = await this.page(next);
      found.push(...rows);
      next = following;
    }
    return found;
  }

  me = () => this.get("/auth/me");
  chooseOrganization = (id) => this.ask("PUT", "/auth/organization", { organizationId: id });

  /** Everything that the overview shows, in one go. */
  async fleet(organizationId) {
    const base = `/organizations/${organizationId}`;
    const [organization, sites, tree, units, sensors, alerts] = await Promise.all([
      this.get(base),
      this.all(`${base}/sites`),
      this.get(`${base}/nav-tree`),
      this.all(`${base}/units`),
      this.all(`${base}/sensors`),
      this.openAlerts(organizationId),
    ]);
    return { organization, sites, tree, units, sensors, alerts };
  }

  openAlerts(organizationId) {
    return this.all(`/organizations/${organizationId}/alerts`, { status: "active,acknowledged,escalated" });
  }

  alerts = (organizationId, query) => this.page(`/organizations/${organizationId}/alerts`, query);
  alert = (id) => this.get(`/alerts/${id}`);
  acknowledge = (id, note) => this.ask("POST", `/alerts/${id}/acknowledge`, note ? { note } : {});
  resolve = (id, resolution) => this.ask("POST", `/alerts/${id}/resolve`, resolution);

  readings = (id, query) => this.get(`/units/${id}/readings`, query);
  statistics = (id, query) => this.get(`/units/${id}/statistics`, query);
  doors = (id, query) => this.get(`/units/${id}/doors`, query);
  trends = (organizationId, range) => this.get(`/organizations/${organizationId}/trends`, { range });
  unitAlerts = (id, query) => this.get(`/units/${id}/alerts`, query);
  sensorsOf = (id) => this.get(`/units/${id}/sensors`);

  record = (unitId, log, key) => this.ask("POST", `/units/${unitId}/manual-logs`, log, { "Idempotency-Key": key });

  async settings(unitId) {
    const { said, headers } = await this.ask("GET", `/units/${unitId}/settings`);
    return { settings: said, version: headers.get("ETag") };
  }

  settingTable = () => this.get("/settings");

  async changeSettings(unitId, changes, version, reason) {
    const why = reason ? { "X-Change-Reason": encodeURIComponent(reason) } : {};
    return this.ask("PATCH", `/units/${unitId}/settings`, changes, { "If-Match": version, ...why });
  }

  sensor = (id) => this.get(`/sensors/${id}`);
  assign = (sensorId, unitId) => this.ask("POST", `/sensors/${sensorId}/assign`, { unitId });
}
