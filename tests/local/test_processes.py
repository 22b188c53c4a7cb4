"""Children that end with us, and in time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from frostguard.local import processes
from tests.waiting import eventually

SLEEP = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('set', flush=True); time.sleep(600)"


def python(text: str, log: Path, **more) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return processes.start([sys.executable, "-c", text], output=output, environment=dict(os.environ), **more)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_child_lives_in_a_group_of_its_own_and_says_both_outputs_to_its_log(tmp_path) -> None:
    log = tmp_path / "log"
    child = python("import os, sys; print(os.getpgid(0) == os.getpid()); print('oops', file=sys.stderr)", log)
    assert child.wait(15) == 0
    assert sorted(log.read_text().split()) == ["True", "oops"]


def test_stop_asks_first(tmp_path) -> None:
    child = python(SLEEP, tmp_path / "log")
    processes.stop(child, seconds=15)
    assert child.returncode == -signal.SIGTERM


def test_stop_kills_what_does_not_listen(tmp_path) -> None:
    log = tmp_path / "log"
    child = python(STUBBORN, log)
    eventually(lambda: "set" in log.read_text(), "the child ignores SIGTERM")
    processes.stop(child, seconds=0.1)
    assert child.returncode == -signal.SIGKILL


def test_stop_takes_grandchildren_along(tmp_path) -> None:
    log = tmp_path / "log"
    child = python(f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]);"
                   "print(p.pid, flush=True); p.wait()", log)  # fmt: skip
    eventually(lambda: log.read_text().strip().isdigit(), "the grandchild runs")
    grandchild = int(log.read_text())
    processes.stop(child, seconds=15)
    eventually(lambda: not alive(grandchild), "the grandchild is gone")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_children_end_when_we_are_killed(tmp_path) -> None:
    log = tmp_path / "log"
    parent = python(
        "import os, sys, subprocess\nfrom frostguard.local import processes\n"
        f"c = processes.start([sys.executable, '-c', {SLEEP!r}], output=subprocess.DEVNULL, environment={{}})\n"
        "print(c.pid, flush=True)\nc.wait()",
        log,
    )
    eventually(lambda: log.read_text().strip().isdigit(), "the child runs")
    child = int(log.read_text())
    parent.kill()
    parent.wait()
    eventually(lambda: not alive(child), "the child is gone")


def test_a_held_descriptor_stays_open_in_the_child(tmp_path) -> None:
    ours, theirs = os.pipe()
    child = python(SLEEP, tmp_path / "log", hold=(theirs,))
    os.close(theirs)
    os.set_blocking(ours, False)
    with pytest.raises(BlockingIOError):
        os.read(ours, 1)
    processes.stop(child, signal.SIGKILL)
    assert os.read(ours, 1) == b""
    os.close(ours)


@pytest.mark.parametrize(
    ("text", "words", "answer"),
    [
        ("one\ntwo\n\n", (), "two"),
        ("FATAL: no\nhint\n", ("FATAL",), "FATAL: no"),
        ("one\n", ("FATAL",), "one"),
        ("", (), "its log is empty"),
    ],
)
def test_the_telling_line_of_a_log_is_found(tmp_path, text: str, words: tuple[str, ...], answer: str) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    assert processes.last_line(log, words) == answer


def test_waiting_ends_when_the_process_does(tmp_path) -> None:
    child = python("pass", tmp_path / "log")
    assert not processes.wait_until(lambda: False, child, seconds=15)
    assert processes.wait_until(lambda: True, child, seconds=0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes its user")
def test_another_user_keeps_the_right_to_read_and_no_other(tmp_path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").write_text("readable")
    log = tmp_path / "log"
    with log.open("ab") as output:
        command = ["/bin/sh", "-c", f"id -u; cat {closed}/file; echo; echo x > {closed}/other && echo written"]
        child = processes.start(command, output=output, environment={"PATH": "/usr/bin:/bin"}, user="nobody")
    child.wait(15)
    said = log.read_text()
    assert "readable" in said
    assert "written" not in said
    assert not said.startswith("0\n")
