/** The feed of this browser: one socket, some topics, and where each of them stands, so that nothing is missed.
 *
 * The contract is docs/feeds.md. Whoever listens is a target with `heard`, `closed`, `snapshotNeeded` and
 * `framed(frame)`.
 */

import { FEED_PATIENCE, pauseBefore } from "./freshness.mjs";

/** What the server has refused for good, or because there are too many of us: asked again seldom. */
const SELDOM_MS = 60_000;
const UNWANTED = [1003, 1008, 1009, 4429];
const NOT_SIGNED_IN = 4401;

/** Where each topic stands: the greatest id of its frames and answers, and of every heartbeat. Pure but for its map. */
export class Positions {
  constructor() {
    this.known = new Map();
  }

  after(topic) {
    return this.known.get(topic) ?? null;
  }

  /** Note a frame or an answer; false for a frame that came before (it may, after a reconnect). */
  isNew({ type, topic, id }) {
    if (type === "snapshot" || type === "resumed") return this.move(topic, id) || true;
    const known = this.after(topic);
    if (known !== null && id <= known) return false;
    this.move(topic, id);
    return true;
  }

  move(topic, id) {
    this.known.set(topic, Math.max(id, this.after(topic) ?? 0));
  }

  /** A heartbeat speaks for all topics that stand somewhere already. */
  beat(id) {
    for (const topic of this.known.keys()) this.move(topic, id);
  }

  forget(topic) {
    this.known.delete(topic);
  }
}

export class Feed {
  /** `session` has the token; `connect` makes the socket (tests give their own). */
  constructor(session, connect = () => new WebSocket(addressOf(location))) {
    this.session = session;
    this.connect = connect;
    this.topics = new Set();
    this.positions = new Positions();
    this.socket = null;
    this.attempt = 0;
    this.target = null;
  }

  start(topics, target) {
    this.target = target;
    this.topics = new Set(topics);
    this.open();
  }

  stop() {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.target = null;
    this.topics.clear();
    this.positions = new Positions();
    this.socket?.close();
    this.socket = null;
  }

  /** One topic more, for as long as a view shows it. */
  follow(topic) {
    this.topics.add(topic);
    if (this.ready) this.subscribe(topic);
  }

  leave(topic) {
    this.topics.delete(topic);
    this.positions.forget(topic);
    if (this.ready) this.send({ type: "unsubscribe", topic });
  }

  open() {
    this.ready = false;
    const socket = this.connect();
    this.socket = socket;
    this.token = this.session.accessToken;
    socket.onopen = () => this.send({ type: "auth", token: this.token });
    socket.onmessage = (event) => socket === this.socket && this.receive(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.lost(event.code);
    this.listen();
  }

  /** A way that says nothing is no way: close it, and take another. */
  listen() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(0), FEED_PATIENCE);
  }

  send(message) {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(message));
  }

  subscribe(topic) {
    const after = this.positions.after(topic);
    this.send({ type: "subscribe", topic, ...(after === null ? {} : { after }) });
  }

  receive(frame) {
    this.listen();
    if (frame.type === "ready") this.begin();
    else if (frame.type === "heartbeat") this.positions.beat(frame.id);
    else if (frame.type === "snapshot_needed") this.again(frame.topic);
    else if (frame.type === "refused" || frame.type === "unsubscribed") this.refused(frame.topic);
    else if (this.topics.has(frame.topic)) this.take(frame);
    if (this.ready) this.target?.heard();
  }

  /** "resumed" only says where a topic stands; all else shows something. */
  take(frame) {
    const isNew = this.positions.isNew(frame);
    if (isNew && frame.type !== "resumed") this.target.framed(frame);
  }

  begin() {
    this.ready = true;
    this.attempt = 0;
    for (const topic of this.topics) this.subscribe(topic);
  }

  again(topic) {
    this.positions.forget(topic);
    this.subscribe(topic);
    this.target.snapshotNeeded();
  }

  /** Not for us, or not any more: the role has changed. The rest of the page asks anew what it may see. */
  refused(topic) {
    if (!this.topics.delete(topic)) return;
    this.positions.forget(topic);
    this.target.snapshotNeeded();
  }

  async lost(code) {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    if (code === 0) socket.close();
    if (!this.target) return;
    this.target.closed();
    const pause = UNWANTED.includes(code) ? SELDOM_MS : pauseBefore(this.attempt) * (0.7 + Math.random() * 0.6);
    this.attempt += 1;
    if (code === NOT_SIGNED_IN && !(await this.renewed())) return;
    if (this.target) this.timer = setTimeout(() => this.target && this.open(), pause);
  }

  async renewed() {
    try {
      return await this.session.renewed(this.token);
    } catch {
      return true; // no answer is no refusal
    }
  }
}

export function addressOf({ protocol, host }) {
  return `${protocol === "https:" ? "wss" : "ws"}://${host}/ws`;
}
