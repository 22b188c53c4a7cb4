"""The reference gateway, with a link that only writes down."""

from random import Random

import orjson
import pytest

from firmware_sim.fleet import GatewayPlan
from firmware_sim.gateway import NOT_DELIVERED, Books, Gateway, Habits
from firmware_sim.ledger import Ledger
from firmware_sim.tally import Tally
from frostguard.wire.packets import Measurement, encode_committed

PLAN = GatewayPlan("bench", "gw-1", None, ())


class ListLink:
    """Collects what the gateway would send."""

    def __init__(self) -> None:
        self.riders, self.up, self.dropped_for = [], True, []

    def board(self, rider) -> None:
        self.riders.append(rider)

    def want(self, rider) -> None:
        pass

    def drop(self, dark_seconds: float) -> None:
        self.dropped_for.append(dark_seconds)

    def resume(self) -> None:
        self.dropped_for.append(0)


def make(**habits) -> Gateway:
    return Gateway(PLAN, ListLink(), Habits(**habits), Books(Ledger(None), Tally()), Random(1))


def fill(gateway: Gateway, count: int) -> None:
    for _ in range(count):
        gateway.take(Measurement("5f01", temperature=4.0))


def flush(gateway: Gateway) -> list[tuple[bytes, dict, object]]:
    """Everything that the gateway offers: topic, document, token."""
    found = []
    while message := gateway.offer():
        topic, payload, token = message
        found.append((topic, orjson.loads(payload), token))
    return found


def seqs(messages) -> list[list[int]]:
    return [[r["seq"] for r in document["readings"]] for _, document, token in messages if token is not None]


def settle(gateway: Gateway, messages, reason: int = 0) -> None:
    for _, _, token in messages:
        gateway.settled(token, 0.0, reason)


def commit(gateway: Gateway, upto: int) -> None:
    gateway.heard(encode_committed(gateway.outbox.boot, upto))


def test_the_birth_message_comes_first_and_tells_boot_and_oldest():
    gateway = make()
    fill(gateway, 1)
    gateway.connected()
    (topic, birth, token), reading = flush(gateway)
    assert topic.endswith(b"/gw-1/status")
    assert birth == {"status": "online", "boot": gateway.outbox.boot, "oldest": 1}
    assert token is None
    assert reading[1]["boot"] == gateway.outbox.boot


def test_the_will_says_offline():
    topic, payload = make().will()
    assert topic == "frostguard/v1/bench/gw-1/status"
    assert orjson.loads(payload)["status"] == "offline"


def test_readings_are_packed_and_kept_until_the_watermark_covers_them():
    gateway = make(per_message=2)
    fill(gateway, 5)
    messages = flush(gateway)
    assert seqs(messages) == [[1, 2], [3, 4], [5]]
    settle(gateway, messages)
    assert len(gateway.outbox) == 5
    commit(gateway, 4)
    assert len(gateway.outbox) == 1


def test_after_a_reconnect_the_rest_is_sent_again_in_order():
    gateway = make()
    fill(gateway, 4)
    settle(gateway, flush(gateway))
    commit(gateway, 2)
    gateway.disconnected()
    gateway.connected()
    assert seqs(flush(gateway)) == [[3], [4]]


def test_a_plain_gateway_forgets_at_the_puback():
    gateway = make(watermark=False)
    fill(gateway, 2)
    assert gateway.listens_to is None
    settle(gateway, flush(gateway))
    assert len(gateway.outbox) == 0


def test_no_matching_subscribers_means_not_delivered(monkeypatch):
    gateway, now = make(), 100.0
    monkeypatch.setattr("firmware_sim.gateway.time.monotonic", lambda: now)
    fill(gateway, 2)
    settle(gateway, flush(gateway), NOT_DELIVERED)
    assert flush(gateway) == [], "it waits a little"
    now += 1.1
    assert seqs(flush(gateway)) == [[1], [2]]


def test_an_overflow_is_told_by_a_new_birth_message():
    gateway = make(buffer=3)
    gateway.connected()
    flush(gateway)
    fill(gateway, 5)
    gateway.tick(1.0)
    (_, birth, _), *readings = flush(gateway)
    assert birth["oldest"] == 3
    assert seqs(readings) == [[3], [4], [5]]


def test_a_power_cut_changes_the_boot_and_keeps_the_old_readings_under_theirs():
    gateway = make(per_message=10)
    fill(gateway, 2)
    flush(gateway)
    before = gateway.outbox.boot
    gateway.restart()
    fill(gateway, 1)
    gateway.connected()
    messages = flush(gateway)
    assert [m[1]["boot"] for m in messages] == [before, gateway.outbox.boot, before, gateway.outbox.boot]
    assert seqs(messages) == [[1, 2], [1]]


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"boot":"x","upto":-1}', b'{"boot":"other","upto":2}'])
def test_a_stranger_s_word_releases_nothing(payload):
    gateway = make()
    fill(gateway, 2)
    settle(gateway, flush(gateway))
    gateway.heard(payload)
    assert len(gateway.outbox) == 2


def test_a_watermark_that_stays_away_is_asked_for_and_a_gap_is_closed_faster_and_faster(monkeypatch):
    now = 0.0
    monkeypatch.setattr("firmware_sim.gateway.time.monotonic", lambda: now)
    gateway = make(resend_seconds=60)
    gateway.connected()
    fill(gateway, 10)
    settle(gateway, flush(gateway))
    gateway.tick(59.0)
    assert flush(gateway) == []
    gateway.tick(61.0)
    asked = [flush(gateway)]
    for upto in (1, 3, 7):  # the server had lost everything: each answer ends right behind the question
        commit(gateway, upto)
        asked.append(flush(gateway))
    assert [seqs(messages) for messages in asked] == [
        [[1]],
        [[2], [3]],
        [[4], [5], [6], [7]],
        [[8], [9], [10]],
    ]


def test_an_answer_far_beyond_the_question_ends_the_asking():
    gateway = make(resend_seconds=0.0)
    gateway.connected()
    fill(gateway, 10)
    settle(gateway, flush(gateway))
    gateway.tick(1e12)
    assert seqs(flush(gateway)) == [[1]]
    commit(gateway, 5)
    assert flush(gateway) == []


def test_duplicates_are_sent_right_behind():
    gateway = make(duplicates=1.0)
    fill(gateway, 2)
    assert seqs(flush(gateway)) == [[1], [1], [2], [2]]


def test_darkness_drops_a_connection_of_its_own():
    gateway = make()
    gateway.go_dark()
    gateway.come_back()
    assert gateway.link.dropped_for == [float("inf"), 0]


def test_darkness_on_a_shared_connection_is_silence_after_a_goodbye():
    gateway = make()
    gateway.link.riders.append(object())
    fill(gateway, 1)
    gateway.go_dark()
    ((_, goodbye, _),) = flush(gateway)
    assert goodbye["status"] == "offline"
    gateway.plant("empty", b"")
    gateway.come_back()
    birth, reading = flush(gateway)
    assert birth[1]["status"] == "online"
    assert seqs([reading]) == [[1]]


def test_a_planted_payload_is_entered_when_the_broker_took_it(ledger_path):
    ledger = Ledger(ledger_path)
    gateway = Gateway(PLAN, ListLink(), Habits(), Books(ledger, Tally()), Random(1))
    gateway.plant("empty", b"")
    _, payload, token = gateway.offer()
    gateway.settled(token, 0.0, 0)
    ledger.close({})
    assert payload == b""
    assert b'["x","empty","bench","gw-1",' in ledger_path.read_bytes()
