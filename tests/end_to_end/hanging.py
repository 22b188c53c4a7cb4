"""The daemon, made to hang: SIGUSR1 blocks its event loop, SIGUSR2 lets its writer wait for what never comes."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from ingest import __main__ as program
from ingest import daemon
from ingest.writer import Writer


def _say(what: str) -> None:
    Path(os.environ["HUNG_FILE"]).write_text(what)


def _block(*_: object) -> None:
    _say("loop")
    time.sleep(3600)  # a handler runs between two steps of the loop, which then does nothing else


def _jam(*_: object) -> None:
    async def never(*_: object) -> None:
        _say("writer")
        await asyncio.Event().wait()

    Writer.commit = never


daemon.TURN_SECONDS = 1.0
signal.signal(signal.SIGUSR1, _block)
signal.signal(signal.SIGUSR2, _jam)
sys.exit(program.main())
