"""The command line: what can be asked for, checked before anything is connected."""

import argparse
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from firmware_sim.errors import UsageError
from firmware_sim.link import Broker
from firmware_sim.scenario import list_scenarios

DEFAULT_URL = "mqtt://127.0.0.1:1883"
COMMANDS = ("run", "score", "truth", "fleet")

PRESETS: dict[str, float | None] = {
    "speedup": 1.0,
    "rate": None,
    "per_message": 1,
    "garbage": 0.0,
    "duplicates": 0.0,
    "broken": 0.0,
    "buffer": 100_000,
}
"""Options that a scenario may set, with their values when neither it nor the command line names one."""


@dataclass(frozen=True, slots=True)
class Address:
    """A broker and, if the URL named them, the account."""

    broker: Broker
    username: str | None
    password: str | None


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists all options)\n")


def make_parser() -> argparse.ArgumentParser:
    """The parser of `run` (which is also what no command means)."""
    parser = _Parser(
        prog="frostguard-sim",
        description="A fleet of simulated gateways. Commands: run (the default, below), score, truth, fleet.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=32, width=110),
    )
    _add_fleet(parser)
    _add_connection(parser)
    _add_pace(parser)
    _add_gateway(parser)
    _add_trouble(parser)
    _add_output(parser)
    return parser


def make_score_parser() -> argparse.ArgumentParser:
    """The parser of `score`."""
    parser = _Parser(prog="frostguard-sim score", description="Compare alerts with the ground truth.")
    parser.add_argument("--truth", type=Path, required=True, metavar="FILE", help="what `run` or `truth` wrote")
    parser.add_argument("--alerts", type=Path, required=True, metavar="FILE", help="JSON array of alerts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def make_truth_parser() -> argparse.ArgumentParser:
    """The parser of `truth` and of `fleet`."""
    parser = _Parser(prog="frostguard-sim", description="Print a scenario's truth, or a fleet file.")
    _add_fleet(parser)
    return parser


def _add_fleet(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("who and what")
    group.add_argument("--fleet", type=Path, metavar="FILE", help="read the fleet from a JSON file")
    group.add_argument("--organization", default="bench", metavar="SLUG", help="organization of a made-up fleet")
    group.add_argument("--gateways", type=_count, default=1, metavar="N", help="gateways of a made-up fleet")
    group.add_argument("--sensors", type=_count, default=10, metavar="N", help="sensors of each of them")
    group.add_argument("--interval", type=_seconds, default=60.0, metavar="SECONDS", help="their report interval")
    group.add_argument("--scenario", metavar="NAME|FILE", help=f"one of {', '.join(list_scenarios())}, or a TOML file")
    group.add_argument("--seed", type=int, metavar="N", help="everything random follows from it (1, or the scenario's)")
    group.add_argument("--start", type=_instant, metavar="TIME", help="when simulated time begins (RFC 3339)")


def _add_connection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("connection")
    group.add_argument(
        "--mqtt-url", metavar="URL", help=f"mqtt[s]://user:password@host:port ($MQTT_URL; {DEFAULT_URL})"
    )
    group.add_argument("--ca-file", type=Path, metavar="FILE", help="certificates to trust with mqtts://")
    group.add_argument("--username", metavar="NAME", help="account for shared connections; {n} becomes their number")
    group.add_argument("--password", metavar="TEXT", help="its password, or that of every gateway without one")
    group.add_argument("--connections", type=_count, metavar="K", help="share K connections (else one per gateway)")
    group.add_argument("--window", type=_window, default=1000, metavar="N", help="messages in flight on a connection")
    group.add_argument("--keepalive", type=_count, default=30, metavar="SECONDS", help="MQTT keep-alive")


def _add_pace(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pace")
    pace = group.add_mutually_exclusive_group()
    pace.add_argument(
        "--rate", type=_positive, metavar="R", help="readings a second in all (else each at its interval)"
    )
    pace.add_argument("--max", action="store_true", help="as fast as the broker takes them")
    group.add_argument("--per-message", type=_per_message, metavar="N", help="readings in a message, at most")
    group.add_argument("--count", type=_count, metavar="N", help="stop after N readings")
    group.add_argument("--duration", type=_seconds, metavar="SECONDS", help="stop after so much simulated time")
    group.add_argument(
        "--past", type=_seconds, default=0.0, metavar="SECONDS",
        help="begin with what was measured so long before, as gateways do that were cut off and kept it",
    )  # fmt: skip
    group.add_argument("--speedup", type=_positive, metavar="X", help="simulated time runs X times as fast")
    group.add_argument(
        "--drain", type=_patience, default=10.0, metavar="SECONDS", help="at the end, wait for what is out"
    )


def _add_gateway(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("gateway")
    group.add_argument("--plain", action="store_true", help="no watermark: forget a reading at its PUBACK")
    group.add_argument("--buffer", type=_count, metavar="N", help="readings that a gateway can keep")
    group.add_argument(
        "--resend-after", type=_positive, default=60.0, metavar="SECONDS", help="ask after a watermark that stays away"
    )


def _add_trouble(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("trouble")
    group.add_argument("--duplicates", type=_share, metavar="P", help="share of messages sent twice")
    group.add_argument(
        "--late", type=_late, default=(0.0, 0.0), metavar="P:SECONDS", help="share of readings held back"
    )
    group.add_argument(
        "--clock-skew", type=_patience, default=0.0, metavar="SECONDS", help="clocks are off by up to this"
    )
    group.add_argument(
        "--clock-step-back", type=_share, nargs="?", const=0.01, default=0.0, metavar="P", help="same time, next number"
    )
    group.add_argument("--broken", type=_share, metavar="P", help="broken payloads beside good readings")
    group.add_argument(
        "--garbage",
        type=_patience,
        nargs="?",
        const=100.0,
        default=0.0,
        metavar="R",
        help="random bytes, messages a second",
    )
    group.add_argument("--flap", type=_share, default=0.0, metavar="P", help="chance to lose a connection, each second")
    group.add_argument(
        "--power-cut",
        type=_power_cut,
        nargs="?",
        const=(10.0, 30.0),
        metavar="AFTER:SECONDS",
        help="lights out, new boot",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--ledger", type=Path, metavar="FILE", help="append what was sent and what became of it")
    group.add_argument("--truth", type=Path, metavar="FILE", help="write the scenario's ground truth")
    group.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    group.add_argument("--quiet", action="store_true", help="no progress, no remarks")


def parse_run(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a run; those of `PRESETS` are None when not given. Exits with code 2 and one line when wrong."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.truth and not options.scenario:
        parser.error("--truth needs a --scenario: only a scenario has a known truth")
    if options.past and (options.rate or options.max or options.start is not None):
        parser.error("--past is for sensors at their own intervals, from now on: not with --rate, --max or --start")
    if options.username and not options.connections:
        parser.error("--username needs --connections: one account, shared connections")
    return options


def parse_address(url: str, ca_file: Path | None, keepalive: int) -> Address:
    """What an MQTT URL means. Raises UsageError; a password in the URL is never repeated in it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError("the MQTT URL has no valid port") from None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise UsageError("the MQTT URL must look like mqtt://user:password@host:port or mqtts://...")
    tls = None
    if parts.scheme == "mqtts":
        try:
            tls = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"cannot use the CA file {ca_file}: {error.strerror or error}") from None
    elif ca_file:
        raise UsageError("--ca-file needs an mqtts:// URL")
    broker = Broker(parts.hostname, port or (8883 if tls else 1883), tls, keepalive)
    username = unquote(parts.username) if parts.username else None
    return Address(broker, username, unquote(parts.password) if parts.password else None)


def find_url(given: str | None) -> str:
    """The URL of the option, else of the environment, else the default."""
    return given or os.environ.get("MQTT_URL") or DEFAULT_URL


def _number(text: str, low: float, high: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return value


def _whole(text: str, low: int, high: int) -> int:
    what = f"a whole number from {low} to {high}"
    value = _number(text, low, high, what)
    if value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return int(value)


def _count(text: str) -> int:
    return _whole(text, 1, 10**12)


def _window(text: str) -> int:
    return _whole(text, 1, 60_000)


def _per_message(text: str) -> int:
    # 250 readings with every field stay below the 64 KiB of a message.
    return _whole(text, 1, 250)


def _positive(text: str) -> float:
    return _number(text, 1e-6, 1e9, "a number above 0")


def _seconds(text: str) -> float:
    return _number(text, 1, 1e9, "a number of seconds, at least 1")


def _patience(text: str) -> float:
    return _number(text, 0, 1e9, "a number, at least 0")


def _share(text: str) -> float:
    return _number(text, 0, 1, "a share from 0 to 1")


def _pair(text: str, example: str) -> tuple[str, str]:
    first, colon, second = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form {example}")
    return first, second


def _late(text: str) -> tuple[float, float]:
    share, seconds = _pair(text, "P:SECONDS")
    return _share(share), _patience(seconds)


def _power_cut(text: str) -> tuple[float, float]:
    after, seconds = _pair(text, "AFTER:SECONDS")
    return _patience(after), _seconds(seconds)


def _instant(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-22T10:00:00Z") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
