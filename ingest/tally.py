"""Count a committed batch for Prometheus."""

from datetime import UTC, datetime

from ingest import metrics
from ingest.batch import Batch
from ingest.writer import Written


def count(batch: Batch, written: Written, seconds: float) -> None:
    """Count what a committed batch brought; `seconds` is what the commit took."""
    metrics.MESSAGES.inc(batch.messages)
    metrics.RECEIVED.inc(batch.readings)
    metrics.STORED.inc(len(written.new))
    metrics.DUPLICATES.inc(written.duplicates)
    metrics.HELD.inc(len(batch.held))
    metrics.RELEASED.inc(written.released)
    metrics.FAULTS.inc(batch.faults)
    metrics.UNKNOWN_FIELDS.inc(batch.unknown_fields)
    metrics.SKIPPED.inc(written.given_up)
    metrics.REPLAYED.inc(len(batch.replayed))
    for letter in (*batch.letters, *written.refused):
        metrics.DEAD_LETTERS.labels(letter.reason).inc()
    for (_source, _hour, reason), dropped in batch.overflows.items():
        metrics.OVERFLOWS.labels(reason).inc(dropped)
    metrics.EVENTS.inc(written.judged.events)
    metrics.ALERTS.inc(written.judged.alerts)
    metrics.BATCHES.inc()
    metrics.BATCH_ROWS.observe(len(batch.rows))
    metrics.COMMIT_SECONDS.observe(seconds)
    if written.new:
        metrics.LAG.set((datetime.now(UTC) - written.new[-1].recorded_at).total_seconds())
