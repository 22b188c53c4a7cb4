"""Runs the parts: starts them in order, brings back what crashes, stops all in reverse and in bounded time."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from frostguard.errors import FrostGuardError
from frostguard.local import processes

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 60.0  # what has run for this long begins again with the shortest pause

Report = Callable[[str], None]


class Part(Protocol):
    """A server or program of ours."""

    process: subprocess.Popen[bytes] | None

    @property
    def log(self) -> Path:
        """Where its output goes."""

    def start(self) -> None:
        """Start it and wait until it is ready. Raises StartError."""

    def stop(self, *, wait_seconds: float) -> None:
        """Stop it, by force after `wait_seconds`."""


@dataclass
class Program:
    """One of our programs as a process. `ready` tells when it may be used (None: at once)."""

    name: str
    command: Sequence[str | Path]
    environment: dict[str, str]
    log: Path
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 30
    hold: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready. Raises StartError with the last line of its log."""
        with self.log.open("ab") as log:
            self.process = processes.start(self.command, output=log, environment=self.environment, hold=self.hold)
        if self.ready and not processes.wait_until(self.ready, self.process, seconds=self.ready_seconds):
            why = processes.last_line(self.log, ("frostguard-", "frostguard: "))
            self.stop(wait_seconds=2)
            raise processes.StartError(f"{self.name} did not start: {why} (log: {self.log})")

    def stop(self, *, wait_seconds: float) -> None:
        """Stop it with SIGTERM, by force after `wait_seconds`."""
        if self.process is not None:
            processes.stop(self.process, signal.SIGTERM, seconds=wait_seconds)
            self.process = None


@dataclass
class _Watched:
    name: str
    part: Part
    patience: float  # seconds for an orderly stop
    started_at: float
    pause: float = field(default_factory=lambda: SHORTEST_PAUSE)
    again_at: float | None = None


@dataclass
class Supervisor:
    """Watches the parts of one run."""

    report: Report
    watched: list[_Watched] = field(default_factory=list)

    def launch(self, name: str, part: Part, patience: float) -> None:
        """Start one more part. Raises StartError where it does not start; it is stopped with the others then."""
        self.report(f"starting {name} ...")
        self.watched.append(_Watched(name, part, patience, time.monotonic()))
        part.start()

    def look_after(self) -> None:
        """Report what has ended since the last look, and start it again when its pause is over."""
        now = time.monotonic()
        for watched in self.watched:
            if watched.again_at is None:
                self._notice(watched, now)
            elif now >= watched.again_at:
                self._bring_back(watched)

    def _notice(self, watched: _Watched, now: float) -> None:
        process = watched.part.process
        code = process.poll() if process is not None else None
        if process is None or code is None:
            return
        processes.kill(process)  # whatever of its group is left
        if now - watched.started_at > STEADY_SECONDS:
            watched.pause = SHORTEST_PAUSE
        self._again(watched, how_it_ended(code))

    def _bring_back(self, watched: _Watched) -> None:
        watched.started_at, watched.again_at = time.monotonic(), None
        try:
            watched.part.start()
        except FrostGuardError as error:
            self._again(watched, str(error))
        else:
            self.report(f"{watched.name} runs again")

    def _again(self, watched: _Watched, why: str) -> None:
        watched.again_at = time.monotonic() + watched.pause
        self.report(f"{watched.name} {why}; starting it again in {watched.pause:g} s (log: {watched.part.log})")
        watched.pause = min(watched.pause * 2, LONGEST_PAUSE)

    def stop(self) -> None:
        """Stop everything, last started first; each part has its own patience before it is killed."""
        while self.watched:
            watched = self.watched.pop()
            if watched.part.process is not None:
                self.report(f"stopping {watched.name} ...")
                watched.part.stop(wait_seconds=watched.patience)


def how_it_ended(code: int) -> str:
    """Say an exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
