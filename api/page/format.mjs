/** Numbers and times as people read them. Pure; the API's side of every number is °C, of every time UTC. */

const NOTHING = "–";

/** °C to what is shown. `scale` is "C" or "F". */
export function toShown(celsius, scale) {
  return scale === "F" ? celsius * 1.8 + 32 : celsius;
}

/** What somebody typed, back to °C, without the noise of binary fractions. */
export function fromShown(value, scale) {
  return round(scale === "F" ? (value - 32) / 1.8 : value, 3);
}

/** A distance between temperatures has no zero point to move. */
export function differenceToShown(kelvin, scale) {
  return scale === "F" ? kelvin * 1.8 : kelvin;
}

export function differenceFromShown(value, scale) {
  return round(scale === "F" ? value / 1.8 : value, 3);
}

export function temperature(celsius, scale, digits = 1) {
  if (celsius === null || celsius === undefined) return NOTHING;
  return `${fixed(toShown(celsius, scale), digits)} °${scale}`;
}

export function difference(kelvin, scale) {
  if (kelvin === null || kelvin === undefined) return NOTHING;
  return `${plain(differenceToShown(kelvin, scale))} ${scale === "F" ? "°F" : "K"}`;
}

/** A fixed number of digits, with a real minus sign, and never "-0.0". */
export function fixed(value, digits) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
}

/** As many digits as it has, at most two. */
export function plain(value) {
  return String(round(value, 2)).replace("-", "\u2212");
}

function round(value, digits) {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor || 0;
}

const SPANS = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

/** "12 s", "5 min", "3 h 20 min", "2 d 4 h": the two greatest parts, from an hour on. */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const first = SPANS.findIndex(([size]) => seconds >= size);
  if (first < 0) return "0 s";
  const [size, name] = SPANS[first];
  const rest = seconds % size;
  const [smaller, itsName] = SPANS[first + 1] ?? [1, "s"];
  const more = first < 2 && rest >= smaller ? ` ${Math.floor(rest / smaller)} ${itsName}` : "";
  return `${Math.floor(seconds / size)} ${name}${more}`;
}

export function ago(milliseconds) {
  return milliseconds < 5000 ? "just now" : `${duration(milliseconds)} ago`;
}

const formats = new Map();

function formatter(zone, options) {
  const key = `${zone} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, makeFormatter(zone, options));
  return formats.get(key);
}

/** A zone that this browser does not know is shown as UTC, and says so. */
function makeFormatter(zone, options) {
  const given = { hourCycle: "h23", ...options };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...given, timeZone: zone || "UTC" });
  } catch {
    return new Intl.DateTimeFormat("en-GB", { ...given, timeZone: "UTC", timeZoneName: "short" });
  }
}

const CLOCK = { hour: "2-digit", minute: "2-digit" };
const SECONDS = { ...CLOCK, second: "2-digit" };
const DAY = { day: "numeric", month: "short" };
const DATE = { ...DAY, year: "numeric" };

export function clock(at, zone) {
  return formatter(zone, CLOCK).format(at);
}

export function clockWithSeconds(at, zone) {
  return formatter(zone, SECONDS).format(at);
}

export function day(at, zone) {
  return formatter(zone, DAY).format(at);
}

export function dayAndClock(at, zone) {
  return formatter(zone, { ...DAY, ...CLOCK }).format(at);
}

export function dateAndClock(at, zone) {
  return formatter(zone, { ...DATE, ...CLOCK, timeZoneName: "short" }).format(at);
}

/** The time of today alone; any other day with its date. */
export function moment(at, now, zone) {
  return day(at, zone) === day(now, zone) && Math.abs(now - at) < 86_400_000 ? clock(at, zone) : dayAndClock(at, zone);
}

/** How far a zone is ahead of UTC at a moment, in ms: what its wall clock shows, read as UTC, less the moment. */
export function zoneOffset(at, zone) {
  const parts = formatter(zone, { ...SECONDS, day: "2-digit", month: "2-digit", year: "numeric" }).formatToParts(at);
  const found = Object.fromEntries(parts.map(({ type, value }) => [type, Number(value)]));
  const shown = Date.UTC(found.year, found.month - 1, found.day, found.hour, found.minute, found.second);
  return shown - Math.floor(at / 1000) * 1000;
}
