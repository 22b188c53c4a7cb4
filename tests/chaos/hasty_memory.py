"""Negative control: the daemon, but its memory moves before the commit and is believed afterwards. It must go wrong."""

import sys

from ingest import __main__ as program
from ingest import writer
from ingest.memory import Memory

_read = Memory.read
_kept: list[Memory] = []


async def _once(connection, shard):
    if not _kept:
        _kept.append(await _read(connection, shard))
    return _kept[0]


_write = writer.Writer._write


async def _hasty(self, connection, batch, how):
    written = await _write(self, connection, batch, how)
    self._remember(batch, written)
    return written


Memory.read = _once
writer.Writer._write = _hasty
sys.exit(program.main())
