"""Negative control: the daemon, but it acknowledges on receipt. It must lose readings when it is killed."""

import sys

from ingest import __main__ as program
from ingest.mqtt import Session
from ingest.reader import Publish

_acknowledge = Session.acknowledge
_init = Session.__init__


def _early(self, settings, take):
    def both(published: list[Publish]) -> None:
        _acknowledge(self, [message.packet_id for message in published if message.packet_id])
        take(published)

    _init(self, settings, both)


Session.__init__ = _early
Session.acknowledge = lambda *_: None
sys.exit(program.main())
