"""Measure FrostGuard on this machine: `make bench`, `make bench ARGS="--quick --only paced"`.

Nothing outside the project is needed. Every figure stands beside what it has to be compared with, from the same run,
because a figure alone says more about the machine than about the program. `others' cores` is CPU that neither we nor
what we started have used: above about 0.2, the figures are not to be trusted.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import archive, feeds, ingest, judging, serving
from bench.measure import Measure, Scale, Table, folded, shown
from bench.servers import Servers, servers

MODULES = (ingest, judging, archive, serving, feeds)
MEASURES: Sequence[Measure] = tuple(measure for module in MODULES for measure in module.MEASURES)


def machine() -> str:
    """What it runs on, and how busy that is."""
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, load averages {load}"


def play(measure: Measure, running: Servers, scale: Scale, rounds: int) -> Table:
    """All rounds of one measure."""
    tables = [measure.play(running, scale) for _ in range(measure.rounds or rounds)]
    table = folded(tables, measure.fold)
    print(f"\n{measure.name}: {measure.about} ({len(tables)} rounds; {machine()})\n{shown(table)}", flush=True)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short form: does it work, and about how fast")
    parser.add_argument("--only", action="append", choices=[m.name for m in MEASURES], help="may be given repeatedly")
    parser.add_argument("--rounds", type=int, default=None, help="default 3, with --quick 1; figures are medians")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    chosen = [m for m in MEASURES if not arguments.only or m.name in arguments.only]
    with servers() as running:
        print(f"{running.broker.kind}, {running.ask('select version()')[0].partition(' on ')[0]}, {machine()}")
        tables = {m.name: play(m, running, Scale(arguments.quick), rounds) for m in chosen}
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "rounds": rounds, "measures": tables}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
