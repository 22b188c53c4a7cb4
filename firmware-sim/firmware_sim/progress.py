"""What a person sees: one line that is renewed on a terminal, plain lines elsewhere, a summary at the end."""

import sys
import time
from typing import Any

from firmware_sim.tally import Tally

_PLAIN_SECONDS = 10.0


class Progress:
    """Writes to standard error; says nothing when `quiet`."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._shown_at = self._began = time.monotonic()
        self._shown_published = 0
        self._remarks: dict[str, float] = {}

    def remark(self, text: str) -> None:
        """A line of its own; the same one at most every ten seconds."""
        now = time.monotonic()
        if self._quiet or now - self._remarks.get(text, -_PLAIN_SECONDS) < _PLAIN_SECONDS:
            return
        if len(self._remarks) > 1000:
            self._remarks.clear()
        self._remarks[text] = now
        sys.stderr.write(f"\r\033[K{text}\n" if self._terminal else f"{text}\n")

    def show(self, tally: Tally, buffered: int, up: str) -> None:
        """Renew the line, when it is time; `up` says how many connections stand."""
        now = time.monotonic()
        since = now - self._shown_at
        if self._quiet or since < (0.5 if self._terminal else _PLAIN_SECONDS):
            return
        rate = (tally.published - self._shown_published) / since
        self._shown_at, self._shown_published = now, tally.published
        line = (
            f"{now - self._began:7.0f} s  {rate:8,.0f}/s  published {tally.published:,}  acknowledged "
            f"{tally.acknowledged:,}  committed {tally.committed:,}  buffered {buffered:,}  connections {up}"
        )
        sys.stderr.write(f"\r\033[K{line}" if self._terminal else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._terminal and not self._quiet:
            sys.stderr.write("\n")


def format_summary(summary: dict[str, Any]) -> str:
    """The summary for people."""
    s = summary
    lines = [
        f"readings made {s['readings']:,}, published {s['published']:,}, acknowledged {s['acknowledged']:,}",
        f"readings committed {s['committed']:,}, dropped {s['dropped']:,}, still buffered {s['buffered']:,}",
        f"messages {s['messages']:,}, sent twice {s['duplicates']:,}, undelivered {s['undelivered']:,}",
        f"readings resent {s['resent']:,}, late {s['late']:,}; broken {s['broken']:,}, garbage {s['garbage']:,}",
        f"connections made {s['connects']:,}, lost {s['connections_lost']:,}",
        f"{s['seconds']:.1f} s, {s['readings_per_second']:,.0f} readings/s",
        f"publish to PUBACK {_latencies(s['publish_to_ack_ms'])}",
    ]
    if s["publish_to_commit_ms"]["max"] is not None:
        lines.append(f"publish to commit {_latencies(s['publish_to_commit_ms'])}")
    return "\n".join(lines)


def _latencies(found: dict[str, float | None]) -> str:
    return ", ".join(f"{name} {value:.1f} ms" for name, value in found.items() if value is not None) or "(none)"
