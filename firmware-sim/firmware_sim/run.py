"""A run from beginning to end: wires everything, keeps the pace, drains, sums up."""

import argparse
import asyncio
import contextlib
import signal
import time
from random import Random
from typing import Any

from firmware_sim.errors import UsageError
from firmware_sim.fleet import FleetPlan, GatewayPlan, generate_fleet, read_fleet
from firmware_sim.gateway import Books, Gateway, Habits
from firmware_sim.ledger import Ledger
from firmware_sim.link import Link, Login
from firmware_sim.options import PRESETS, Address, find_url, parse_address
from firmware_sim.pace import Make, Pace, flat_out, steady
from firmware_sim.physics import Fault, FaultKind
from firmware_sim.progress import Progress
from firmware_sim.scenario import Scenario, read_scenario
from firmware_sim.simulation import Clock, Simulation, Trouble
from firmware_sim.tally import Tally
from firmware_sim.truth import write_truths

_TURN = 0.002  # seconds between two looks at the clock when readings are paced
_IDLE_TURN = 0.1


def choose_fleet(options: argparse.Namespace) -> tuple[FleetPlan, Scenario | None]:
    """The fleet of the options: a file, else the scenario's, else made up."""
    scenario = read_scenario(options.scenario) if options.scenario else None
    if options.fleet:
        return read_fleet(options.fleet), scenario
    if scenario:
        return scenario.fleet, scenario
    return generate_fleet(options.organization, options.gateways, options.sensors, options.interval), None


def fill_in(options: argparse.Namespace, scenario: Scenario | None) -> None:
    """What was not given on the command line comes from the scenario, else from the defaults."""
    presets = scenario.options if scenario else {}
    for name, default in PRESETS.items():
        if getattr(options, name) is None:
            setattr(options, name, presets.get(name, default))
    options.per_message, options.buffer = int(options.per_message), int(options.buffer)
    if options.max:
        options.rate = None
    if options.seed is None:
        options.seed = scenario.seed if scenario else 1
    if options.duration is None and scenario:
        options.duration = scenario.duration


class Run:
    """One run. `stop` may be called from a signal handler, twice for at once."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.plan, self.scenario = choose_fleet(options)
        fill_in(options, self.scenario)
        self.address = parse_address(find_url(options.mqtt_url), options.ca_file, options.keepalive)
        if options.connections and options.connections > len(self.plan.gateways):
            options.connections = len(self.plan.gateways)
        self.start = self._choose_start()
        self.tally = Tally()
        self.progress = Progress(quiet=options.quiet)
        self._stop, self._kill = asyncio.Event(), asyncio.Event()

    def stop(self) -> None:
        """Stop publishing; the second time, do not even drain."""
        (self._kill if self._stop.is_set() else self._stop).set()

    async def execute(self) -> dict[str, Any]:
        """Run and return the summary. Raises UsageError for what cannot be begun."""
        self._write_truth()
        ledger = self._open_ledger()
        links, gateways = self._build(Books(ledger, self.tally))
        simulation = self._simulate(gateways)
        tasks = [asyncio.create_task(link.run(), name=f"link-{n}") for n, link in enumerate(links)]
        tasks.append(asyncio.create_task(self._housekeep(simulation, links, ledger), name="housekeeping"))
        try:
            seconds = await self._watch(tasks, simulation)
        finally:
            await self._end(tasks, links, gateways)
            summary = self._summary(gateways)
            ledger.close(summary)
            self.progress.end()
        return summary | {"seconds": round(seconds, 3), "readings_per_second": round(self.tally.published / seconds, 1)}

    async def _watch(self, tasks: list[asyncio.Task[None]], simulation: Simulation) -> float:
        """Publish until it is enough, then drain; a part that breaks ends the run. Returns the seconds."""
        work = asyncio.create_task(self._publish_and_drain(simulation), name="publish")
        killed = asyncio.create_task(self._kill.wait(), name="kill")
        began = time.monotonic()
        try:
            done, _ = await asyncio.wait({work, killed, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (work, killed):
                task.cancel()
            await asyncio.gather(work, killed, return_exceptions=True)
        return max(time.monotonic() - began, 1e-6)

    async def _publish_and_drain(self, simulation: Simulation) -> None:
        await self._publish(simulation)
        deadline = time.monotonic() + self.options.drain
        # Many buffers and no one event: looking is simpler.
        while time.monotonic() < deadline and any(len(g.outbox) for g in simulation.gateways):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def _publish(self, simulation: Simulation) -> None:
        """Make readings at the pace of the options until count, duration or a signal."""
        clock = Clock(self.start + self.options.past, self.options.speedup)
        hurried = self.options.speedup > 1 or self.options.past > 0
        make = self._maker(simulation)
        end = self._end_of_time()
        while not self._stop.is_set() and not self._enough():
            now = clock.now() if end is None else min(clock.now(), end)
            simulation.make_garbage(clock.elapsed())
            due = simulation.run_until(now, wait_for_broker=hurried)
            busy = make(clock.elapsed(), now)
            caught_up = due is None or due > now
            if caught_up and now == end and not busy:
                return
            pause = 0.0 if busy or not caught_up else self._pause(due, now)
            with contextlib.suppress(TimeoutError):
                if pause:
                    await asyncio.wait_for(self._stop.wait(), pause)
                else:
                    await asyncio.sleep(0)

    def _pause(self, due: float | None, now: float) -> float:
        if self.options.rate or self.options.garbage:
            return _TURN
        return _IDLE_TURN if due is None else min(_IDLE_TURN, max(_TURN, (due - now) / self.options.speedup))

    def _enough(self) -> bool:
        return self.options.count is not None and self.tally.readings >= self.options.count

    def _maker(self, simulation: Simulation) -> Make:
        options = self.options
        if not options.max and not options.rate:
            simulation.start_sensors()
            return lambda _elapsed, _now: False
        pace = Pace(options.per_message, options.count, self._end_of_time(), options.buffer)
        return flat_out(simulation, pace) if options.max else steady(simulation, pace, options.rate)

    def _end_of_time(self) -> float | None:
        return None if self.options.duration is None else self.start + self.options.past + self.options.duration

    async def _housekeep(self, simulation: Simulation, links: list[Link], ledger: Ledger) -> None:
        """Ten times a second what is not urgent; once a second the gateways' own clocks and the flapping."""
        turn = 0
        while True:
            await asyncio.sleep(0.1)
            turn += 1
            ledger.sync()
            buffered = sum(len(g.outbox) for g in simulation.gateways)
            self.progress.show(self.tally, buffered, f"{sum(link.up for link in links)}/{len(links)}")
            if turn % 10:
                continue
            now = time.monotonic()
            for gateway in simulation.gateways:
                gateway.tick(now)
            for link in links:
                if simulation.trouble.flap and simulation.random.random() < simulation.trouble.flap:
                    link.drop()

    async def _end(self, tasks: list[asyncio.Task[None]], links: list[Link], gateways: list[Gateway]) -> None:
        """Say goodbye, close, and leave nothing running."""
        tasks.pop().cancel()
        for gateway in gateways:
            if gateway.link.up:
                gateway.say_goodbye()
        deadline = time.monotonic() + (0 if self._kill.is_set() else 2)
        while time.monotonic() < deadline and any(g.saying for g in gateways if g.link.up):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        for link in links:
            link.close()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=0.2 if self._kill.is_set() else 5)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _summary(self, gateways: list[Gateway]) -> dict[str, Any]:
        about: dict[str, Any] = {"scenario": self.scenario.name if self.scenario else None, "seed": self.options.seed}
        buffered = {
            "buffered": sum(len(g.outbox) for g in gateways),
            "unacknowledged": sum(g.outbox.unacknowledged for g in gateways),
        }
        return about | self.tally.summary() | buffered

    def _choose_start(self) -> float:
        """Simulated time begins so that a sped-up run ends about now: no reading comes from the future."""
        if self.options.start is not None:
            return float(self.options.start)
        behind = float(self.options.past)
        if self.options.speedup > 1 and self.options.duration is not None:
            behind += self.options.duration * (1 - 1 / self.options.speedup)
        elif self.options.speedup > 1:
            raise UsageError("--speedup needs a --duration or a --start: else simulated time runs into the future")
        # On the whole millisecond: `truth` and `run` then walk the same grid.
        return round(time.time() - behind, 3)

    def _write_truth(self) -> None:
        if not self.options.truth or self.scenario is None:
            return
        truths = self.scenario.truths(self.plan, self.options.seed, self.start)
        try:
            self.options.truth.write_bytes(write_truths(truths))
        except OSError as error:
            raise UsageError(f"cannot write the truth file {self.options.truth}: {error.strerror}") from None

    def _open_ledger(self) -> Ledger:
        options = self.options
        about = {"seed": options.seed, "watermark": not options.plain, "gateways": len(self.plan.gateways)}
        try:
            return Ledger(options.ledger, about)
        except OSError as error:
            raise UsageError(f"cannot write the ledger {options.ledger}: {error.strerror}") from None

    def _build(self, books: Books) -> tuple[list[Link], list[Gateway]]:
        options = self.options
        habits = Habits(
            options.per_message, options.buffer, not options.plain, options.resend_after, options.duplicates
        )
        logins = self._logins(self.address)
        report = self.progress.remark
        links = [Link(self.address.broker, login, options.window, self.tally, report) for login in logins]
        gateways = []
        for n, plan in enumerate(self.plan.gateways):
            random = Random(f"{options.seed}/{plan.organization}/{plan.id}/{time.time_ns()}")  # noqa: S311 - boots differ
            gateways.append(Gateway(plan, links[n % len(links)], habits, books, random))
        return links, gateways

    def _logins(self, address: Address) -> list[Login]:
        options = self.options
        if not options.connections:
            return [self._own_login(plan, address) for plan in self.plan.gateways]
        username = options.username or address.username
        password = options.password or address.password
        run = f"{time.time_ns():x}"
        # A broker that takes the user name as client id needs another account for each connection: "bench-{n}".
        names = [username and username.replace("{n}", str(n)) for n in range(options.connections)]
        return [Login(f"sim-{run}-{n}", name, password) for n, name in enumerate(names)]

    def _own_login(self, plan: GatewayPlan, address: Address) -> Login:
        """A gateway's user name and client id are its id."""
        return Login(plan.id, plan.id, plan.password or self.options.password or address.password)

    def _simulate(self, gateways: list[Gateway]) -> Simulation:
        options = self.options
        simulation = Simulation(self.plan, gateways, options.seed, self.start, self.tally)
        simulation.disturb(
            Trouble(
                late=options.late[0],
                late_seconds=options.late[1],
                clock_skew=options.clock_skew,
                step_back=options.clock_step_back,
                broken=options.broken,
                garbage=options.garbage,
                flap=options.flap,
            )
        )
        if options.power_cut:
            after, seconds = options.power_cut
            simulation.cut_power(self.start + after, seconds)
            for unit in self.plan.units():
                simulation.fail(unit, Fault(FaultKind.POWER_CUT, self.start + after, seconds))
        if self.scenario:
            self._stage(self.scenario, simulation)
        return simulation

    def _stage(self, scenario: Scenario, simulation: Simulation) -> None:
        """Set the scene: faults of the units, outages of the gateways."""
        for unit, faults in scenario.faults(self.plan, self.start).items():
            for fault in faults:
                simulation.fail(unit, fault)
        by_id = {gateway.name: gateway for gateway in simulation.gateways}
        for silence in scenario.silences(self.plan, self.start):
            gateway = by_id[silence.gateway]
            simulation.schedule(silence.began_at, lambda _at, g=gateway: g.go_dark())  # type: ignore[misc]
            simulation.schedule(silence.ended_at, lambda _at, g=gateway: g.come_back())  # type: ignore[misc]


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Run with signal handlers: SIGINT and SIGTERM stop it gracefully, the second one at once."""
    loop = asyncio.get_running_loop()
    running = Run(options)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.stop)
    try:
        return await running.execute()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
