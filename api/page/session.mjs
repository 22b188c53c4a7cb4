/** Who is signed in here: tokens, kept for all tabs of this browser, renewed when they run out. */

const KEY = "frostguard.session";
/** Two tabs must not renew with the same refresh token: it counts once. */
const LOCK = "frostguard.refresh";

/** The API cannot be reached; nothing is known about the request. */
export class UnreachableError extends Error {}

/** The API refused. `fields` are the members that it complains about, `status` the HTTP status. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The API answered ${status}.`);
    this.status = status;
    this.fields = problem.errors ?? [];
    this.requestId = problem.requestId ?? null;
  }
}

export class Session {
  /** `fetcher`, `storage` and `locks` are the browser's own; tests give theirs. `onended` is told why it ended. */
  constructor(fetcher, storage, locks) {
    this.fetcher = fetcher;
    this.storage = storage;
    this.locks = locks;
    this.onended = () => {};
    this.renewing = null;
  }

  get tokens() {
    try {
      return JSON.parse(this.storage.getItem(KEY));
    } catch {
      return null;
    }
  }

  get signedIn() {
    return this.tokens !== null;
  }

  get accessToken() {
    return this.tokens?.access_token ?? null;
  }

  async login(email, password) {
    this.keep(await this.post("/auth/login", { email, password }));
  }

  /** Forget first: whatever the network does, this browser is signed out. */
  async logout() {
    const token = this.accessToken;
    this.forget();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    await this.fetcher("/auth/logout", { method: "POST", headers, body: "{}" }).catch(() => null);
  }

  keep(tokens) {
    this.storage.setItem(KEY, JSON.stringify(tokens));
  }

  forget() {
    this.storage.removeItem(KEY);
  }

  /** Ask as the signed-in user; where the token has run out, renew it and ask once more. Raises UnreachableError. */
  async fetch(path, init = {}) {
    const used = this.accessToken;
    const answer = await this.send(path, init, used);
    if (answer.status !== 401) return answer;
    if (!(await this.renewed(used))) return answer;
    return this.send(path, init, this.accessToken);
  }

  async send(path, init, token) {
    const headers = { ...init.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    return this.reach(path, { ...init, headers });
  }

  async reach(path, init) {
    try {
      return await this.fetcher(path, { cache: "no-store", ...init });
    } catch (error) {
      throw new UnreachableError("The server cannot be reached.", { cause: error });
    }
  }

  /** Get a new access token in place of `used`; false where the session is over. One attempt serves all that wait. */
  async renewed(used) {
    this.renewing ??= this.alone(() => this.renew(used)).finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  /** Over plain HTTP from another machine browsers have no locks; the API forgives a race of ten seconds. */
  async alone(work) {
    return this.locks ? this.locks.request(LOCK, work) : work();
  }

  async renew(used) {
    const tokens = this.tokens;
    if (tokens === null) return false;
    if (tokens.access_token !== used) return true; // another tab was faster
    try {
      this.keep(await this.post("/auth/refresh", { refresh_token: tokens.refresh_token }));
      return true;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      this.forget();
      this.onended("Your session has ended. Please sign in again.");
      return false;
    }
  }

  async post(path, body) {
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const answer = await this.reach(path, init);
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new ApiError(answer.status, said);
    return said;
  }
}
