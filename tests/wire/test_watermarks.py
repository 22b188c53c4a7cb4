from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostguard.errors import PacketError
from frostguard.wire.watermarks import Status, decode_committed, decode_status, encode_committed, encode_status, is_boot
from tests.wire.mutations import FUZZ, mutated

BOOTS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=64).filter(str.isprintable)
SEQS = st.integers(1, 2**63 - 1)


@given(BOOTS, st.integers(0, 2**63 - 1))
def test_a_watermark_survives_the_wire(boot, upto):
    assert decode_committed(encode_committed(boot, upto)) == (boot, upto)


@given(
    st.one_of(
        st.booleans().map(Status),
        st.tuples(st.booleans(), BOOTS, st.none() | SEQS).map(Status._make),
    )
)
def test_a_status_survives_the_wire(status):
    assert decode_status(encode_status(status)) == status


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"online", Status(online=True)),
        (b"offline", Status(online=False)),
        (b" online\r\n", Status(online=True)),
        (b'{"status":"online"}', Status(online=True)),
        (b'{"status":"offline","boot":"k3f9"}', Status(online=False, boot="k3f9")),
        (b'{"status":"online","boot":"k3f9","oldest":17}', Status(online=True, boot="k3f9", oldest=17)),
        (b'{"status":"online","boot":"k3f9","oldest":null,"ip":"10.0.0.7"}', Status(online=True, boot="k3f9")),
    ],
)
def test_a_status_is_a_word_or_an_object(payload, status):
    assert decode_status(payload) == status


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"ONLINE", b"on", b'"online"', b"true", b"[]", b"{}", b'{"status":true}', b'{"status":["online"]}',
        b'{"status":"online","boot":""}', b'{"status":"online","boot":7}', b'{"status":"online","boot":"a\\u0000"}',
        b'{"status":"online","oldest":17}', b'{"status":"online","boot":"k","oldest":0}',
        b'{"status":"online","boot":"k","oldest":true}', b'{"status":"online","boot":"k","oldest":1.0}',
        b'{"status":"online","boot":"k","oldest":18446744073709551616}', b"\xff", b"online" + b" " * 2000,
    ],
)  # fmt: skip
def test_a_bad_status_is_refused(payload):
    with pytest.raises(PacketError) as caught:
        decode_status(payload)
    assert caught.value.reason == "bad_status"


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"[]", b"{}", b'{"boot":"k"}', b'{"upto":1}', b'{"boot":"k","upto":-1}', b'{"boot":"k","upto":true}',
        b'{"boot":"k","upto":false}', b'{"boot":"k","upto":1.0}', b'{"boot":"","upto":1}', b'{"boot":5,"upto":1}',
        b'{"boot":"k","upto":9223372036854775808}', b'{"boot":"' + b"k" * 2000 + b'","upto":1}',
    ],
)  # fmt: skip
def test_a_bad_watermark_is_refused(payload):
    with pytest.raises(PacketError) as caught:
        decode_committed(payload)
    assert caught.value.reason == "bad_committed"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("k", True), ("a b", True), ("é", True), ("x" * 64, True),
        ("", False), ("x" * 65, False), ("a\0", False), ("a\n", False), (5, False), (None, False), (True, False),
    ],
)  # fmt: skip
def test_a_boot_is_a_short_printable_string(value, expected):
    assert is_boot(value) is expected


def test_mutated_messages_raise_nothing_but_packet_errors():
    random = Random(11)
    seeds = [b'{"status":"online","boot":"k3f9","oldest":17}', b'{"boot":"k3f9","upto":123}']
    for _ in range(FUZZ // 4):
        payload = mutated(seeds, random)
        for decode in (decode_status, decode_committed):
            try:
                found = decode(payload)
            except PacketError:
                continue
            for value in found:
                assert value is None or type(value) in (bool, int) or (type(value) is str and is_boot(value))
