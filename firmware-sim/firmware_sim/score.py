"""How well alerts tell the truth: detected, missed, false, double, and how late against the rule."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from firmware_sim.errors import UsageError
from firmware_sim.truth import Truth

TYPES = ("alarm_active", "door_open", "monitoring_interrupted")
"""The alert types that a truth file speaks of; other alerts are counted and left alone."""


class ScoredAlert(NamedTuple):
    """What is known of an alert. `key` is the unit's key or the serial of one of its sensors; epoch seconds."""

    key: str
    type: str
    opened_at: float
    resolved_at: float | None


class Judgement(NamedTuple):
    """One alert or one truth, and what became of it. Seconds; None where there is nothing to compare."""

    verdict: str  # detected, marginal, missed, false, double
    type: str
    key: str
    at: float
    latency: float | None = None
    resolve_latency: float | None = None


@dataclass(slots=True)
class Score:
    """All judgements, and alerts of types that the truth does not speak of."""

    judgements: list[Judgement] = field(default_factory=list)
    others: int = 0

    def count(self, verdict: str) -> int:
        """How many got this verdict."""
        return sum(j.verdict == verdict for j in self.judgements)

    @property
    def perfect(self) -> bool:
        """Nothing missed, nothing false, nothing double."""
        return not any(j.verdict in ("missed", "false", "double") for j in self.judgements)

    def summary(self) -> dict[str, Any]:
        """Counts, latencies in seconds, and every judgement that is a mistake."""
        found: dict[str, Any] = {v: self.count(v) for v in ("detected", "marginal", "missed", "false", "double")}
        found["expected"] = found["detected"] + found["missed"]
        found["other_alerts"] = self.others
        found["latency_seconds"] = _spread(j.latency for j in self.judgements)
        found["resolve_latency_seconds"] = _spread(j.resolve_latency for j in self.judgements)
        found["mistakes"] = [j._asdict() for j in self.judgements if j.verdict in ("missed", "false", "double")]
        return found


def score(truths: Iterable[Truth], alerts: Iterable[ScoredAlert]) -> Score:
    """Compare alerts with the truth. Pure.

    A sensor sees the truth only at its interval, so everything has a tolerance of two intervals and 30 s: what is that
    close to the rule's edge is `marginal` and counts neither for nor against. An alert belongs to a truth of its unit
    and type when it was opened between the beginning and the end; the first is the detection, others are `double`.
    """
    everything = sorted(alerts, key=lambda a: a.opened_at)
    todo = [a for a in everything if a.type in TYPES]
    result = Score(others=len(everything) - len(todo))
    used: set[int] = set()
    for truth in sorted(truths, key=lambda t: t.began_at):
        mine = [i for i, alert in enumerate(todo) if i not in used and _belongs(alert, truth)]
        used.update(mine)
        result.judgements.append(_judge(truth, todo[mine[0]] if mine else None))
        result.judgements.extend(Judgement("double", a.type, a.key, a.opened_at) for a in (todo[i] for i in mine[1:]))
    left = (a for i, a in enumerate(todo) if i not in used)
    result.judgements.extend(Judgement("false", a.type, a.key, a.opened_at) for a in left)
    result.judgements = [j for j in result.judgements if j.verdict != "silent"]
    return result


def tolerance(truth: Truth) -> float:
    """How far a sensor's view may be from the truth, in seconds."""
    return 2 * truth.interval_seconds + 30


def read_truths(path: Path) -> list[Truth]:
    """The truth file. Raises UsageError."""
    try:
        lines = [orjson.loads(line) for line in path.read_bytes().splitlines() if line]
        return [Truth(**{**line, **{n: _time(line[n]) for n in ("began_at", "ended_at", "due_at")}}) for line in lines]
    except OSError as error:
        raise UsageError(f"cannot read the truth file {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"the truth file {path} is not what the simulator wrote: {error}") from None


def read_alerts(path: Path) -> list[ScoredAlert]:
    """A JSON array of {unit or sensor, type, opened_at, resolved_at}; times RFC 3339 or epoch seconds.

    Historical alerts that later readings merged into others or refuted are left out, where `backfilled` and `severity`
    say so: their row stays on record, but the system does not stand by it.
    """
    try:
        raws = orjson.loads(path.read_bytes())
        return [_alert(raw) for raw in raws if not (raw.get("backfilled") and raw.get("severity") == "info")]
    except OSError as error:
        raise UsageError(f"cannot read the alerts {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is no array of alerts with unit or sensor, type and opened_at: {error}") from None


def _alert(raw: dict[str, Any]) -> ScoredAlert:
    opened_at = _time(raw["opened_at"])
    if opened_at is None:
        raise ValueError("opened_at is null")
    return ScoredAlert(str(raw.get("sensor") or raw["unit"]), raw["type"], opened_at, _time(raw.get("resolved_at")))


def _time(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    at = datetime.fromisoformat(str(value))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _belongs(alert: ScoredAlert, truth: Truth) -> bool:
    if alert.type != truth.type or alert.key not in (truth.unit, *truth.sensors):
        return False
    slack = tolerance(truth)
    return truth.began_at - slack <= alert.opened_at and (
        truth.ended_at is None or alert.opened_at <= truth.ended_at + slack
    )


def _judge(truth: Truth, alert: ScoredAlert | None) -> Judgement:
    slack = tolerance(truth)
    due, ended = truth.due_at, truth.ended_at
    if alert is None:
        if due is None:
            return Judgement("silent", truth.type, truth.unit, truth.began_at)
        near = ended is not None and ended - due < slack
        return Judgement("marginal" if near else "missed", truth.type, truth.unit, truth.began_at)
    resolved = alert.resolved_at - ended if alert.resolved_at is not None and ended is not None else None
    if due is None:
        near = ended is None or ended - truth.began_at + slack >= truth.confirm_seconds
        return Judgement("marginal" if near else "false", truth.type, truth.unit, alert.opened_at)
    return Judgement("detected", truth.type, truth.unit, alert.opened_at, alert.opened_at - due, resolved)


def _spread(values: Iterable[float | None]) -> dict[str, float] | None:
    found = sorted(v for v in values if v is not None)
    if not found:
        return None
    return {
        "min": round(found[0], 1),
        "median": round(found[len(found) // 2], 1),
        "max": round(found[-1], 1),
    }
