"""Run the tests that are marked with a case and write docs/reliability-report.md: `make reliability`.

Cases that no test is marked with are listed as such: the report tells what was not shown, too.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tests.cases import FILE

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "docs" / "reliability-report.md"
CASES = {
    "B4": "the database is down for long", "B6": "a black hole between daemon and database",
    "B7": "a connection that is half open at the server", "B10": "the data disk is full",
    "B14": "the next partition is missing", "B15": "upkeep of partitions beside a long reader",
    "B18": "the API exhausts its pool", "C3": "the broker cannot save", "C4": "the broker's queue limit is reached",
    "C5": "a client id is stolen", "C7": "the broker refuses us", "E3": "two daemons", "E4": "a loop that hangs",
    "E5": "memory runs out",
    "E6": "no file descriptors", "E7": "a task dies silently", "E8": "the S3 is down, slow or wrong",
    "H19": "the broker's rules", "H20": "TLS, and who is revoked", "H22": "the database's roles",
}  # fmt: skip
HEAD = """# What was broken, and what came of it

Written by `make reliability`, which runs every test that is marked with a case (`@pytest.mark.case`) against real
servers and programs. Figures are of one run{where}; targets stand behind them, and a test fails that misses its own.
"""


def run(arguments: list[str]) -> list[dict]:
    """Run the marked tests; return what they said."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said.jsonl"
        said.touch()
        subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "case", "-q", "--timeout", "1800", *arguments],
            cwd=ROOT, env={**os.environ, FILE: str(said)}, check=False,
        )  # fmt: skip
        return [json.loads(line) for line in said.read_text().splitlines()]


def number(value: float) -> str:
    """Whole numbers as they are, others to three digits."""
    return f"{value:,.0f}" if value == int(value) else f"{value:.3g}"


def text_of(lines: list[dict]) -> str:
    """Return the report."""
    outcomes, figures = defaultdict(dict), defaultdict(list)
    for line in lines:
        for name in line["cases"]:
            if "outcome" in line:
                outcomes[name][line["test"]] = line["outcome"]
            else:
                figures[name].append(line)
    where = f" on {platform.machine()} with {os.cpu_count()} cores"
    parts = [HEAD.format(where=where)]
    for name in sorted({*CASES, *outcomes}, key=lambda n: (n[0], int(n[1:]))):
        parts.append(f"\n## {name}: {CASES.get(name, '')}\n")
        if name not in outcomes:
            parts.append("Not shown by a marked test yet.\n")
            continue
        rows = sorted(f"| {f['what']} | {number(f['value'])} {f['unit']} | {f['target']} |" for f in figures[name])
        if rows:
            parts.append("\n".join(["| figure | measured | target |", "|---|---|---|", *rows]) + "\n")
        tests = [f"- {outcome}: `pytest '{test}'`" for test, outcome in sorted(outcomes[name].items())]
        parts.append("\n".join(tests) + "\n")
    return "\n".join(parts)


def main() -> int:
    """Write it. Exit code 1 if a test failed."""
    lines = run(sys.argv[1:])
    REPORT.write_text(text_of(lines))
    failed = [line["test"] for line in lines if line.get("outcome") == "failed"]
    print(
        f"{REPORT.relative_to(ROOT)}: {len({n for line in lines for n in line['cases']})} cases, {len(failed)} failed"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
