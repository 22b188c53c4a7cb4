/** What may still be believed. A frozen page must never look healthy, so silence of any kind becomes visible here.
 *
 * Two questions, both pure functions of the clock:
 * - of the page: when did the API last tell us how things are? (`phaseOf`)
 * - of a unit: is its newest reading as young as its sensor's interval promises? (`shownStatus`)
 */

/** The feed says something at least this often, or it counts as lost. */
export const FEED_PATIENCE = 40_000;
/** Between two requests where there is no feed. */
export const POLL_EVERY = 15_000;
/** What was asked longer ago than this is not live any more: two polls missed. */
export const POLL_PATIENCE = 35_000;
/** On top of a sensor's interval, before the page itself calls a unit silent: the daemon's own rule comes first. */
export const UNIT_SLACK = 90_000;

/**
 * What the page may claim: "starting" (nothing is known yet), "live" (the feed speaks), "polling" (asked a moment ago),
 * "lost" (neither).
 */
export function phaseOf(known, now) {
  if (!known.fetchedAt) return "starting";
  if (known.feedOpen && now - known.heardAt <= FEED_PATIENCE) return "live";
  return now - lastKnown(known) <= POLL_PATIENCE ? "polling" : "lost";
}

/** The last moment for which the page can vouch. */
export function lastKnown({ heardAt, fetchedAt }) {
  return Math.max(heardAt ?? 0, fetchedAt ?? 0);
}

/**
 * The status to show for a unit, and since when nothing came: the API's own, unless this page cannot vouch for it.
 * A bad status stays what it is; a good one turns "stale" when the page has lost the API, or when the unit's readings
 * have stopped although the API still calls it fresh (a daemon that stands still says nothing).
 */
export function shownStatus(unit, phase, now) {
  if (phase === "lost") return { status: "stale", was: unit.status };
  const since = unit.lastReadingAt;
  if (unit.dataState === "fresh" && since !== null && now - since > allowance(unit)) {
    return { status: "stale", was: unit.status, since };
  }
  return { status: unit.status };
}

function allowance(unit) {
  return (unit.intervalSeconds ?? 300) * 1000 + UNIT_SLACK;
}

/** Pauses between attempts to reach the API again: short at first, never longer than a poll. */
export function pauseBefore(attempt) {
  return Math.min(1000 * 2 ** attempt, POLL_EVERY);
}
