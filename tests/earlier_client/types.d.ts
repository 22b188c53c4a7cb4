// What the earlier frontend knows of each object, as ambient types: api-client.ts stays as its users have it.
// run.mjs reads this file too and checks every answer against it; an alias of `string` named here is checked by name.

type Uuid = string;
type Timestamp = string;

type UnitType = 'fridge' | 'freezer' | 'display_case' | 'walk_in_cooler' | 'walk_in_freezer' | 'blast_chiller';
type UnitStatus =
  | 'ok'
  | 'excursion'
  | 'alarm_active'
  | 'monitoring_interrupted'
  | 'manual_required'
  | 'restoring'
  | 'offline';
type AlertType =
  | 'alarm_active'
  | 'monitoring_interrupted'
  | 'missed_manual_entry'
  | 'low_battery'
  | 'sensor_fault'
  | 'door_open'
  | 'calibration_due';
type AlertSeverity = 'info' | 'warning' | 'critical';
type AlertStatus = 'active' | 'acknowledged' | 'resolved' | 'escalated';

interface Tokens {
  access_token: string;
  refresh_token: string;
}

interface Organization {
  id: Uuid;
  name: string;
  slug: string;
  logoUrl: string | null;
  timezone: string | null;
  complianceMode: string | null;
  createdAt: Timestamp;
  updatedAt: Timestamp;
}

interface Site {
  id: Uuid;
  organizationId: Uuid;
  name: string;
  address: string | null;
  city: string | null;
  state: string | null;
  postalCode: string | null;
  country: string | null;
  timezone: string | null;
  createdAt: Timestamp;
  updatedAt: Timestamp;
}

interface CreateSiteInput {
  name: string;
  address?: string;
  city?: string;
  state?: string;
  postalCode?: string;
  country?: string;
  timezone?: string;
}

interface Unit {
  id: Uuid;
  areaId: Uuid;
  name: string;
  unitType: UnitType;
  status: UnitStatus;
  tempMin: number | null;
  tempMax: number | null;
  lastReadingAt: Timestamp | null;
  createdAt: Timestamp;
  updatedAt: Timestamp;
}

interface CreateUnitInput {
  name: string;
  unitType: UnitType;
  tempMin?: number;
  tempMax?: number;
}

// One measurement, or over long ranges the mean of a span with its extremes.
interface SensorReading {
  recordedAt: Timestamp;
  temperature: number | null;
  humidity?: number | null;
  sensorId?: Uuid;
  temperatureMin?: number;
  temperatureMax?: number;
  count?: number;
}

interface Alert {
  id: Uuid;
  organizationId: Uuid;
  unitId: Uuid | null;
  alertType: AlertType;
  severity: AlertSeverity;
  status: AlertStatus;
  title: string;
  message: string | null;
  tempReading: number | null;
  tempLimit: number | null;
  triggeredAt: Timestamp;
  acknowledgedAt: Timestamp | null;
  acknowledgedBy: Uuid | null;
  acknowledgmentNotes: string | null;
  resolvedAt: Timestamp | null;
  resolvedBy: Uuid | null;
}

// Vite replaces `import.meta.env.VITE_API_URL` by the address when it builds.
interface ImportMetaEnv {
  readonly VITE_API_URL: string | undefined;
}

interface ImportMeta {
  readonly env: ImportMetaEnv;
}
