"""What the daemon counts, for Prometheus. Counted once a batch, never once a reading."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

MESSAGES = Counter("frostguard_messages_received", "MQTT messages taken off the broker", registry=REGISTRY)
RECEIVED = Counter("frostguard_readings_received", "Readings decoded from them", registry=REGISTRY)
STORED = Counter("frostguard_readings_stored", "Readings committed to sensor_readings", registry=REGISTRY)
DUPLICATES = Counter("frostguard_readings_duplicate", "Readings that came again: stored already", registry=REGISTRY)
HELD = Counter("frostguard_readings_held", "Readings kept for sensors that are not assigned yet", registry=REGISTRY)
RELEASED = Counter("frostguard_readings_released", "Held readings moved in after an assignment", registry=REGISTRY)
FAULTS = Counter("frostguard_readings_faulty", "Readings stored as a sensor fault", registry=REGISTRY)
DEAD_LETTERS = Counter("frostguard_dead_letters", "Unusable messages and readings, kept", ["reason"], registry=REGISTRY)
OVERFLOWS = Counter(
    "frostguard_dead_letters_overflowed", "The same beyond the cap per gateway and hour: counted, not kept", ["reason"],
    registry=REGISTRY,
)  # fmt: skip
REPLAYED = Counter("frostguard_dead_letters_replayed", "Dead letters stored on a second try", registry=REGISTRY)
UNKNOWN_FIELDS = Counter("frostguard_unknown_fields", "Fields of payloads that were ignored", registry=REGISTRY)
SKIPPED = Counter("frostguard_readings_given_up", "Readings that gateways say they dropped", registry=REGISTRY)
BATCHES = Counter("frostguard_batches_committed", "Batches committed", registry=REGISTRY)
BATCH_ROWS = Histogram(
    "frostguard_batch_readings", "Readings in a batch", registry=REGISTRY,
    buckets=(1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 80_000),
)  # fmt: skip
COMMIT_SECONDS = Histogram("frostguard_commit_seconds", "Time to commit a batch", registry=REGISTRY, buckets=_SECONDS)
RETRIES = Counter("frostguard_commit_retries", "Batches that had to be tried again", registry=REGISTRY)
SESSIONS_LOST = Counter(
    "frostguard_broker_sessions_lost", "Connections at which the broker had lost our backlog", registry=REGISTRY
)
RECONNECTS = Counter("frostguard_broker_connections", "Connections to the broker", registry=REGISTRY)
CONNECTED = Gauge("frostguard_broker_connected", "1 while connected and subscribed", registry=REGISTRY)
DATABASE = Gauge("frostguard_database_connected", "1 while the writing connection holds its shard", registry=REGISTRY)
OLDEST_UNACKED = Gauge(
    "frostguard_oldest_unacknowledged_seconds", "Age of the oldest message that is not committed yet", registry=REGISTRY
)
UNACKED = Gauge("frostguard_unacknowledged_messages", "Messages that are not committed yet", registry=REGISTRY)
LAG = Gauge("frostguard_lag_seconds", "Our clock minus the newest device time committed", registry=REGISTRY)
FLEET = Gauge("frostguard_fleet_size", "What the daemon knows", ["what"], registry=REGISTRY)
PARTITIONS_AHEAD = Gauge("frostguard_partition_days_ahead", "Days for which partitions exist", registry=REGISTRY)
EVENTS = Counter("frostguard_unit_events", "Facts that the state machines stated", registry=REGISTRY)
ALERTS = Counter("frostguard_alert_changes", "Steps of alerts: opened, risen, resolved, told", registry=REGISTRY)
LISTENING = Gauge(
    "frostguard_listening", "1 while the backlog is drained and silence counts against sensors", registry=REGISTRY
)
