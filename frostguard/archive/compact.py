"""Weeks that are over are made dense, in place: their index was filled in the order of chance, and is a third air."""

import logging
from datetime import datetime, timedelta

from frostguard.errors import StoreUnavailableError
from frostguard.store import archives, partitions
from frostguard.store.connection import Connection
from frostguard.store.partitions import WEEK, Place

AFTER = timedelta(days=2)
"""By then the buffers of gateways that were offline for a while are empty."""

log = logging.getLogger("frostguard.archive")


async def compact(connection: Connection, now: datetime) -> list[datetime]:
    """Rebuild the index of every closed week and vacuum it, once, while everything goes on. Returns the weeks."""
    known = await archives.known_weeks(connection)
    done = []
    for name, place in (await partitions.places(connection)).items():
        begin = partitions.begin_of(name)
        if place is not Place.ATTACHED or begin + WEEK + AFTER > now:
            continue
        if begin in known and (known[begin]["compacted_at"] or known[begin]["archived_at"]):
            continue
        try:
            await partitions.compact(connection, name)
        except StoreUnavailableError as error:
            if connection.is_closed():
                raise
            log.warning("%s is not compacted: %s", name, error)
            continue
        await archives.compacted(connection, begin)
        done.append(begin)
    return done
