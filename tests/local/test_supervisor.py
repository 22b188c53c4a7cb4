"""Parts that crash come back; everything stops in order."""

import os
import signal
import sys
from pathlib import Path

import pytest

from frostguard.local import supervisor as supervisors
from frostguard.local.processes import StartError
from frostguard.local.supervisor import Program, Supervisor, how_it_ended
from tests.waiting import eventually

FOREVER = "import time; open({marker!r}, 'a').write('x'); time.sleep(600)"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisors, "SHORTEST_PAUSE", 0.01)


def program(folder: Path, name: str = "part", text: str = FOREVER, *, ready: bool = True) -> Program:
    marker = folder / f"{name}.marker"
    command = [sys.executable, "-c", text.format(marker=str(marker))]
    return Program(name, command, dict(os.environ), folder / f"{name}.log", marker.exists if ready else None)


def test_a_killed_part_is_reported_and_runs_again(tmp_path) -> None:
    said: list[str] = []
    supervisor, part = Supervisor(said.append), program(tmp_path)
    supervisor.launch("part", part, 5)
    first = part.process.pid
    supervisor.look_after()
    os.kill(first, signal.SIGKILL)
    part.process.wait()
    eventually(lambda: supervisor.look_after() or "part runs again" in said, "it runs again")
    assert part.process.pid != first
    assert any("was killed by SIGKILL; starting it again" in line and "part.log" in line for line in said)
    supervisor.stop()


def test_pauses_grow_while_a_part_keeps_ending(tmp_path) -> None:
    said: list[str] = []
    supervisor, part = Supervisor(said.append), program(tmp_path, text="raise SystemExit(3)", ready=False)
    supervisor.launch("part", part, 5)
    eventually(lambda: supervisor.look_after() or len([s for s in said if "exit code 3" in s]) >= 3, "three ends")
    pauses = [float(line.split(" in ")[1].split(" s ")[0]) for line in said if "exit code 3" in line]
    assert pauses == sorted(pauses)
    assert pauses[-1] > pauses[0]
    supervisor.stop()


def test_a_part_that_does_not_start_says_why_and_leaves_nothing(tmp_path) -> None:
    part = program(tmp_path, text="import sys; sys.exit('frostguard-part: no such thing')")
    with pytest.raises(StartError, match="part did not start: frostguard-part: no such thing"):
        Supervisor(lambda _: None).launch("part", part, 5)
    assert part.process is None


def test_a_part_that_cannot_come_back_is_tried_again(tmp_path) -> None:
    said: list[str] = []
    supervisor, part = Supervisor(said.append), program(tmp_path)
    supervisor.launch("part", part, 5)
    healthy, part.command = part.command, [sys.executable, "-c", "import sys; sys.exit('not now')"]
    part.ready = lambda: False
    part.process.kill()
    part.process.wait()
    eventually(lambda: supervisor.look_after() or any("not now" in line for line in said), "a failed attempt")
    part.command, part.ready = healthy, None
    eventually(lambda: supervisor.look_after() or "part runs again" in said, "it runs again")
    supervisor.stop()


def test_what_started_last_stops_first(tmp_path) -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    for name in ("one", "two", "three"):
        supervisor.launch(name, program(tmp_path, name), 5)
    said.clear()
    supervisor.stop()
    assert said == ["stopping three ...", "stopping two ...", "stopping one ..."]
    supervisor.stop()
    assert len(said) == 3


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "ended with exit code 0"), (78, "ended with exit code 78"), (-9, "was killed by SIGKILL"),
     (-200, "was killed by signal 200")],
)  # fmt: skip
def test_an_exit_code_is_said_in_words(code: int, words: str) -> None:
    assert how_it_ended(code) == words
