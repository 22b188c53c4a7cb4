/** The words of the API as people read them, and how each status looks: colour, word and shape together. */

/** Worst first: the order of tiles. `stale` is this page's own word for what it cannot vouch for. */
export const STATUSES = {
  alarm_active: { word: "Alarm", shape: "octagon", rank: 0 },
  manual_required: { word: "Read by hand", shape: "hand", rank: 1 },
  monitoring_interrupted: { word: "No data", shape: "cross", rank: 2 },
  excursion: { word: "Out of limits", shape: "triangle", rank: 3 },
  stale: { word: "Not live", shape: "dashed", rank: 4 },
  offline: { word: "Offline", shape: "clock", rank: 5 },
  restoring: { word: "Recovering", shape: "ring", rank: 6 },
  ok: { word: "OK", shape: "tick", rank: 7 },
};

/** A status that a later API may add is shown by its name, among the bad ones: never as healthy. */
export function statusOf(name) {
  return STATUSES[name] ?? { word: sentence(name), shape: "cross", rank: 2 };
}

export const SEVERITIES = {
  critical: { word: "Critical", shape: "octagon", rank: 0 },
  warning: { word: "Warning", shape: "triangle", rank: 1 },
  info: { word: "Info", shape: "ring", rank: 2 },
};

export const ALERT_TYPES = {
  alarm_active: "Temperature alarm",
  monitoring_interrupted: "Monitoring interrupted",
  missed_manual_entry: "Manual reading missed",
  low_battery: "Low battery",
  sensor_fault: "Sensor fault",
  door_open: "Door open",
  calibration_due: "Calibration due",
  suspected_cooling_failure: "Suspected cooling failure",
  temp_excursion: "Temperature out of limits",
  gateway_silent: "Gateway silent",
  ingest_degraded: "Many units silent",
};

export const ALERT_STATUSES = {
  active: "Active",
  escalated: "Escalated",
  acknowledged: "Acknowledged",
  resolved: "Resolved",
};
export const OPEN_STATUSES = ["active", "escalated", "acknowledged"];

export const RESOLVE_REASONS = {
  "": "It is over",
  sensor_removed: "Sensor removed",
  out_of_service: "Unit out of service",
};

export const TIMELINE = {
  opened: "Opened",
  severity_escalated: "Became worse",
  continued: "Went on",
  acknowledged: "Acknowledged",
  escalation_triggered: "Escalated",
  correlated: "Linked to another alert",
  notification_sent: "Notification sent",
  resolved_auto: "Resolved by itself",
  resolved_manual: "Resolved by hand",
  reopened: "Opened again",
  corrected: "Corrected by late readings",
};

export const UNIT_TYPES = {
  fridge: "Fridge",
  freezer: "Freezer",
  display_case: "Display case",
  walk_in_cooler: "Walk-in cooler",
  walk_in_freezer: "Walk-in freezer",
  blast_chiller: "Blast chiller",
};

export const SOURCES = {
  unit: "this unit",
  site: "site",
  organization: "organization",
  preset: "preset of the type",
};

export const RANGES = {
  "1h": "1 hour",
  "6h": "6 hours",
  "24h": "24 hours",
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
  "1y": "1 year",
};

/** "confirmOpenSeconds" -> "Confirm open", "alarm_active" -> "Alarm active": the unit of measure is shown elsewhere. */
export function sentence(name) {
  const words = String(name)
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase()
    .replace(/ (seconds|minutes|percent)$/, "");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function wordOf(table, name) {
  return Object.hasOwn(table, name) ? table[name] : sentence(name);
}
