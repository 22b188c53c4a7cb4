/** The feed: not there yet; the page asks again every few seconds. */
export class Feed {
  constructor(session) {
    this.session = session;
    this.position = null;
  }
  follow() {}
  stop() {}
}
