"""`frostguard up`: everything on this machine, until it is stopped."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

from frostguard.cli.arguments import add_command, port
from frostguard.config import LogSettings, load
from frostguard.errors import UsageError
from frostguard.local.folder import DataFolder
from frostguard.local.log_follower import LogFollower
from frostguard.local.up import Machine, Wishes
from frostguard.log import configure

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _StopRequested(BaseException):
    """Somebody wants us to stop."""


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "up", run, "start PostgreSQL, broker, daemon and API on this machine")
    parser.add_argument("--demo", action="store_true", help="add a demo organization and a simulated fleet")
    parser.add_argument(
        "--data-dir", type=Path, default=Path(".frostguard"), metavar="FOLDER",
        help="everything that is kept (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--port", type=port, default=None, help="of the API; 0 picks a free one (default: PORT, else 4000)"
    )
    parser.add_argument(
        "--mqtt-port", type=port, default=1883, help="of the broker; 0 picks a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--mqtt-host", default="127.0.0.1", help="where the broker listens; 0.0.0.0 for gateways of your network"
    )
    parser.add_argument("--broker", choices=["auto", "mosquitto", "embedded"], default="auto", help="which broker")
    parser.add_argument("--json", action="store_true", help="print the ready line as one JSON object")
    parser.add_argument("--verbose", action="store_true", help="show the logs of all parts")


def run(given: argparse.Namespace) -> int:
    """Start, print the ready line, look after the parts until a signal, stop."""
    configure(load(LogSettings, {"LOG_LEVEL": "WARNING"}))
    _stop_by_exception()
    try:
        folder = DataFolder.open(given.data_dir)
    except _StopRequested:
        return 0
    follower = LogFollower(folder.path, sys.stderr) if given.verbose else None
    machine = Machine(_wishes(given), folder, _report)
    try:
        ready = machine.start()
        _show(ready, as_json=given.json)
        machine.run(follower.show if follower else _nothing)
    except BaseException:
        # Whatever a library makes of the interruption (an error of its own, a cancelled query): it was us.
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
            raise
    finally:
        _ignore_further_signals()
        machine.stop()
        if follower:
            follower.show()
        folder.close()
    _report("stopped")
    return 0


def _wishes(given: argparse.Namespace) -> Wishes:
    environment = dict(os.environ)
    named = environment.get("PORT", "4000")
    if given.port is None and not named.isdecimal():
        raise UsageError(f"PORT: {named!r} is not a port")
    return Wishes(
        data_dir=given.data_dir,
        port=int(named) if given.port is None else given.port,
        mqtt_port=given.mqtt_port,
        mqtt_host=given.mqtt_host,
        with_demo=given.demo,
        broker=given.broker,
        environment=environment,
    )


def _stop_by_exception() -> None:
    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        _ignore_further_signals()
        raise _StopRequested

    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            signal.signal(number, stop)


def _ignore_further_signals() -> None:
    """Stopping is under way and takes ten seconds at most; another Ctrl-C must not cut it short."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _nothing() -> None:
    pass


def _report(text: str) -> None:
    print(f"frostguard: {text}", file=sys.stderr, flush=True)


def _show(ready: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(ready).decode(), flush=True)
        return
    places = "  ".join(f"{name} {ready[name]}" for name in ("api", "mqtt", "database") if ready[name])
    print(f"ready: {places}  data {ready['data_dir']}", flush=True)
    if ready["api"]:
        print(f"page:  {ready['api']}/  (a display on a wall: {ready['api']}/wall)", flush=True)
    if demo := ready.get("demo"):
        print(_demo_text(ready, demo), flush=True)


def _demo_text(ready: dict[str, Any], demo: dict[str, Any]) -> str:
    gateway = demo["gateway"]
    host, _, mqtt_port = ready["mqtt"].partition("://")[2].rpartition(":")
    logins = "\n".join(f"  {user['role']:<8} {user['email']}  {user['password']}" for user in demo["users"])
    example = (
        f"mosquitto_pub -h {host} -p {mqtt_port} -u {gateway['id']} -P '{gateway['password']}' -q 1 \\\n"
        f"    -t {gateway['topic']} \\\n"
        f'    -m \'{{"sensor":"{demo["sensor"]}","temperature":4.2}}\''
    )
    return (
        f"\nlogins of {demo['organization']['slug']}:\n{logins}\n\ntry it (the spare fridge):\n  {example}\n\n"
        f"watch it:\n  frostguard status    frostguard tail\n"
    )
