"""The entry point: run a fleet, score alerts, print a truth or a fleet."""

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any

import orjson

from firmware_sim.errors import UsageError
from firmware_sim.fleet import write_fleet
from firmware_sim.options import COMMANDS, make_score_parser, make_truth_parser, parse_run
from firmware_sim.progress import format_summary
from firmware_sim.run import choose_fleet, run
from firmware_sim.score import read_alerts, read_truths, score
from firmware_sim.truth import write_truths


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, 1 for a score that is not perfect, 2 for a wrong option, file or URL."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    command = arguments.pop(0) if arguments and arguments[0] in COMMANDS else "run"
    try:
        return {"run": _run, "score": _score, "truth": _truth, "fleet": _fleet}[command](arguments)
    except UsageError as error:
        sys.stderr.write(f"frostguard-sim: {error}\n")
        return 2


def _run(arguments: Sequence[str]) -> int:
    options = parse_run(arguments)
    summary = asyncio.run(run(options))
    _print(summary, format_summary(summary), as_json=options.json)
    return 0


def _score(arguments: Sequence[str]) -> int:
    options = make_score_parser().parse_args(arguments)
    result = score(read_truths(options.truth), read_alerts(options.alerts))
    summary = result.summary()
    text = "\n".join(f"{name}: {value}" for name, value in summary.items())
    _print(summary, text, as_json=options.json)
    return 0 if result.perfect else 1


def _truth(arguments: Sequence[str]) -> int:
    options = make_truth_parser().parse_args(arguments)
    fleet, scenario = choose_fleet(options)
    if scenario is None:
        raise UsageError("truth needs a --scenario: only a scenario has a known truth")
    seed = scenario.seed if options.seed is None else options.seed
    start = time.time() - scenario.duration if options.start is None else options.start
    sys.stdout.buffer.write(write_truths(scenario.truths(fleet, seed, round(start, 3))))
    return 0


def _fleet(arguments: Sequence[str]) -> int:
    fleet, _ = choose_fleet(make_truth_parser().parse_args(arguments))
    sys.stdout.buffer.write(write_fleet(fleet))
    return 0


def _print(summary: dict[str, Any], text: str, *, as_json: bool) -> None:
    sys.stdout.write((orjson.dumps(summary).decode() if as_json else text) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
