"""Every broken payload is one that cannot be used."""

from random import Random

import pytest

from firmware_sim.broken import KINDS, make_broken, make_garbage
from frostguard.errors import PacketError
from frostguard.wire.packets import decode
from frostguard.wire.topics import TopicKind

# The codec takes these: whether a time is absurd is for the daemon to say, which has a clock.
ABSURD_TIMES = {"year_1970", "year_2099", "an_hour_ahead"}


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ABSURD_TIMES])
def test_the_codec_refuses_it(kind):
    try:
        packet = decode(TopicKind.READINGS, make_broken(kind, "5f00000001000001", Random(1)))
    except PacketError:
        return
    assert packet.readings == []
    assert packet.rejected


@pytest.mark.parametrize("kind", sorted(ABSURD_TIMES))
def test_absurd_times_are_well_formed(kind):
    (reading,) = decode(TopicKind.READINGS, make_broken(kind, "5f00000001000001", Random(1))).readings
    assert reading.at is not None


def test_garbage_is_no_packet():
    random = Random(1)
    for _ in range(100):
        with pytest.raises(PacketError):
            decode(TopicKind.READINGS, make_garbage(random))
