"""What became of archiving, retention, housekeeping and backups, for Prometheus: read from the database when it asks.

Commands of a timer are gone before anybody can ask them, so they leave a note (frostguard/cli/chores.py). Looked up at
most every fifteen seconds; without a database the last figures stay, and the other metrics are answered all the same.
"""

import asyncio
import logging
import math
import time
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from frostguard.errors import FrostGuardError
from frostguard.store import chores
from frostguard.store.connection import Record
from frostguard.store.lanes import Lanes

LOOK_EVERY = 15.0
PATIENCE = 2.0  # a scrape waits no longer for it

# Name, meaning, column of the chore's row.
GAUGES = (
    ("frostguard_chore_success_time_seconds", "When it last ended well, seconds since 1970", "succeeded_at"),
    ("frostguard_chore_duration_seconds", "How long that took", "seconds"),
    ("frostguard_chore_failing", "1 where the last run failed", "has_failed"),
)
COUNTERS = (
    ("frostguard_chore_runs", "How often it was done", "runs"),
    ("frostguard_chore_failures", "How often it failed", "failures"),
    ("frostguard_chore_rows", "Rows that were archived, removed, saved", "row_count"),
    ("frostguard_chore_bytes", "Bytes of the files that were written", "byte_count"),
)
ARCHIVE = (
    ("frostguard_archive_files", "Files of the archive", "files"),
    ("frostguard_archive_readings", "Readings in them", "readings"),
    ("frostguard_archive_bytes", "Their size", "bytes"),
)

log = logging.getLogger("api.chores")


class ChoreMetrics(Collector):
    """The figures of the last look. A chore that was never done has none."""

    def __init__(self) -> None:
        self.rows: list[Record] = []
        self.archive: Record | None = None

    def collect(self) -> Iterator[Metric]:
        """Return all of them."""
        kinds = [*((GaugeMetricFamily, fact) for fact in GAUGES), *((CounterMetricFamily, fact) for fact in COUNTERS)]
        for kind, (name, meaning, column) in kinds:
            family = kind(name, meaning, labels=["chore"])
            for row in self.rows:
                if row[column] is not None:
                    family.add_metric([row["name"]], float(row[column]))
            yield family
        for name, meaning, column in ARCHIVE:
            yield GaugeMetricFamily(name, meaning, None if self.archive is None else float(self.archive[column]))


class Chores:
    """Keeps the figures fresh."""

    def __init__(self, lanes: Lanes, metrics: ChoreMetrics) -> None:
        self._lanes = lanes
        self._metrics = metrics
        self._looked = -math.inf

    async def look(self) -> None:
        """Read them anew, if it is time."""
        if time.monotonic() < self._looked + LOOK_EVERY:
            return
        self._looked = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE), self._lanes.lane() as connection:
                self._metrics.rows = await chores.chores(connection)
                self._metrics.archive = await chores.archive(connection)
        except (FrostGuardError, TimeoutError) as error:
            log.warning("figures of commands are old", extra={"error": str(error) or type(error).__name__})
