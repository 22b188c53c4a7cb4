"""Who measures when, and what may befall a reading."""

import itertools

import pytest

from firmware_sim.fleet import FleetPlan, GatewayPlan, Kind, SensorPlan
from firmware_sim.physics import Fault, FaultKind
from firmware_sim.simulation import Simulation, Trouble
from firmware_sim.tally import Tally

START = 1_700_000_000.0


class ListGateway:
    """Keeps what the sensors say."""

    def __init__(self) -> None:
        self.taken, self.planted, self.calls = [], [], []

    def take(self, reading) -> None:
        self.taken.append(reading)

    def plant(self, kind, payload) -> None:
        assert isinstance(payload, bytes)
        self.planted.append(kind)

    def go_dark(self) -> None:
        self.calls.append("dark")

    def restart(self) -> None:
        self.calls.append("restart")

    def come_back(self) -> None:
        self.calls.append("back")

    def __hash__(self) -> int:
        return id(self)


def make(*kinds: Kind, interval: float = 60, gateways: int = 1) -> Simulation:
    sensors = tuple(SensorPlan(f"5f0{n}", "fridge", kind, interval, "u") for n, kind in enumerate(kinds))
    plan = FleetPlan(tuple(GatewayPlan("bench", f"gw-{n}", None, sensors) for n in range(gateways)))
    return Simulation(plan, [ListGateway() for _ in range(gateways)], 1, START, Tally())


def seconds(simulation: Simulation, gateway: int = 0) -> list[float]:
    return [reading.at.timestamp() - START for reading in simulation.gateways[gateway].taken]


def test_each_sensor_measures_at_its_interval():
    simulation = make(Kind.TEMPERATURE)
    simulation.start_sensors()
    simulation.run_until(START + 600)
    found = seconds(simulation)
    assert len(found) == 10
    assert {round(b - a, 3) for a, b in itertools.pairwise(found)} == {60.0}


def test_the_next_due_time_is_told():
    simulation = make(Kind.TEMPERATURE)
    assert simulation.run_until(START) is None
    simulation.start_sensors()
    assert START < simulation.run_until(START) <= START + 60


def test_a_door_is_told_when_it_moves():
    simulation = make(Kind.DOOR, interval=3600)
    simulation.fail("u", Fault(FaultKind.DOOR_OPEN, START + 1000, 300))
    simulation.start_sensors()
    simulation.run_until(START + 3000)
    opened = [r for r in simulation.gateways[0].taken if r.door_open]
    assert any(1000 <= r.at.timestamp() - START <= 1030 for r in opened)


def test_late_readings_keep_their_time_and_come_later():
    simulation = make(Kind.TEMPERATURE)
    simulation.disturb(Trouble(late=1.0, late_seconds=100))
    simulation.measure(simulation.slots[0][0], START + 10)
    assert seconds(simulation) == []
    simulation.run_until(START + 109)
    assert seconds(simulation) == []
    simulation.run_until(START + 110)
    assert seconds(simulation) == [10]


def test_a_clock_that_steps_back_gives_two_readings_one_time():
    simulation = make(Kind.TEMPERATURE)
    simulation.disturb(Trouble(step_back=1.0))
    for second in (10, 20, 30):
        simulation.measure(simulation.slots[0][0], START + second)
    assert seconds(simulation) == [10, 10, 10]


def test_clocks_are_wrong_by_no_more_than_the_skew_and_each_by_its_own():
    simulation = make(Kind.TEMPERATURE, gateways=20)
    simulation.disturb(Trouble(clock_skew=300))
    for slots in simulation.slots.values():
        simulation.measure(slots[0], START)
    skews = [seconds(simulation, n)[0] for n in range(20)]
    assert all(-300 <= skew <= 300 for skew in skews)
    assert len(set(skews)) == 20


def test_broken_payloads_are_planted_beside_good_readings():
    simulation = make(Kind.TEMPERATURE)
    simulation.disturb(Trouble(broken=1.0))
    simulation.measure(simulation.slots[0][0], START)
    assert len(simulation.gateways[0].taken) == len(simulation.gateways[0].planted) == simulation.tally.broken == 1


def test_garbage_comes_at_its_rate():
    simulation = make(Kind.TEMPERATURE)
    simulation.disturb(Trouble(garbage=10))
    for elapsed in (0.0, 0.5, 2.0):
        simulation.make_garbage(elapsed)
    assert len(simulation.gateways[0].planted) == 20


def test_a_power_cut_silences_everything_and_restarts_the_gateways():
    simulation = make(Kind.TEMPERATURE)
    simulation.cut_power(START + 100, 200)
    simulation.start_sensors()
    simulation.run_until(START + 600)
    assert simulation.gateways[0].calls == ["dark", "restart", "back"]
    assert not [at for at in seconds(simulation) if 100 <= at < 300]


@pytest.mark.parametrize("per_message", [1, 3])
def test_gateways_take_turns_with_their_sensors(per_message):
    simulation = make(Kind.TEMPERATURE, Kind.DOOR, gateways=2)
    rounds = simulation.rounds(per_message)
    turns = [next(rounds) for _ in range(4)]
    assert [len(turn) for turn in turns] == [per_message] * 4
    assert [turn[0].gateway for turn in turns] == simulation.gateways * 2
