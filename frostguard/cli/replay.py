"""`frostguard replay`: what stored readings come to, by today's settings and others; and whether that is on record."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from frostguard.cli.arguments import ArgumentsError, add_command, add_database, with_connection
from frostguard.cli.moments import clock, moment
from frostguard.cli.tables import celsius, json_line, table
from frostguard.domain.alert import Alert
from frostguard.replay.changes import ChangeRefusedError, parse_change
from frostguard.replay.story import Episode, Outcome, Span
from frostguard.replay.verify import Difference, Report, verify_units
from frostguard.replay.whatif import Replayed, replay_units
from frostguard.store import replay, status
from frostguard.store.connection import Connection, Record

EXIT_DIFFERENT = 1


@dataclass(frozen=True)
class Asked:
    """What is to be replayed, in one snapshot."""

    scope: Sequence[Record]
    span: Span


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse names its type privately
    """Add the command."""
    parser = add_command(commands, "replay", run, "judge stored readings again: with other settings, or to verify")
    parser.add_argument("--organization", metavar="SLUG", help="only this one")
    parser.add_argument("--site", metavar="NAME", help="only sites with this name or id")
    parser.add_argument("--unit", metavar="NAME", help="only units with this name or id")
    parser.add_argument("--from", dest="since", type=moment, metavar="TIME", help="from then on (default: all)")
    parser.add_argument("--to", dest="upto", type=moment, metavar="TIME", help="before then (default: now)")
    parser.add_argument(
        "--set", dest="changes", action="append", default=[], type=_change, metavar="NAME=VALUE",
        help="what would have been with this setting; may be repeated",
    )  # fmt: skip
    parser.add_argument("--verify", action="store_true", help="compare with the states and alerts on record")
    parser.add_argument("--json", action="store_true", help="one JSON object a unit; with --verify one in all")
    add_database(parser)


def _change(text: str) -> tuple[str, float | None]:
    try:
        return parse_change(text)
    except ChangeRefusedError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(given: argparse.Namespace) -> int:
    """Replay and print. Returns 1 where --verify finds a difference."""
    if given.verify and (given.changes or given.upto):
        raise ArgumentsError("replay --verify judges what is on record now: it takes neither --set nor --to")
    return with_connection(given, lambda connection: _run(connection, given))


async def _run(connection: Connection, given: argparse.Namespace) -> int:
    async with replay.snapshot(connection):
        asked = await _asked(connection, given)
        if given.verify:
            report = await verify_units(connection, asked.scope, opened_since=asked.span.since)
            print(json_line(report_as_json(report)) if given.json else report_as_text(report, asked.scope))
            return EXIT_DIFFERENT if report.differences else 0
        try:
            await _tell(connection, asked, dict(given.changes), as_json=given.json)
        except ChangeRefusedError as error:
            raise ArgumentsError(str(error)) from None
        return 0


async def _tell(connection: Connection, asked: Asked, changes: dict[str, float | None], *, as_json: bool) -> None:
    units = replay_units(connection, asked.scope, asked.span, changes)
    if not as_json:
        print(as_text([unit async for unit in units], asked.span, changes))
        return
    async for unit in units:  # as they come: nothing is kept
        print(json_line(unit_as_json(unit)))


async def _asked(connection: Connection, given: argparse.Namespace) -> Asked:
    scope = await replay.scope(connection, given.organization, given.site, given.unit)
    if not scope:
        raise ArgumentsError("replay: there is no such unit")
    upto = given.upto or await status.server_now(connection)
    since = given.since or replay.EARLIEST
    if since >= upto:
        raise ArgumentsError("replay: --from must be before --to")
    return Asked(scope, Span(since, upto))


# --- what would have happened


def as_text(units: Sequence[Replayed], span: Span, changes: dict[str, float | None]) -> str:
    """Return the tables: one line a unit, then episodes and alerts; with changes, before against after."""
    readings = sum(unit.readings for unit in units)
    begin = "the first reading" if span.since == replay.EARLIEST else clock(span.since)
    head = f"{len(units)} units, {readings} readings from {begin} to {clock(span.upto)}"
    tried = ", ".join(f"{name}={'none' if value is None else f'{value:g}'}" for name, value in changes.items())
    parts = [f"{head}\nwith {tried}: before -> after; - only before, + only after" if changes else head]
    columns = (
        ("min out", lambda o: f"{o.seconds_out / 60:.1f}"), ("episodes", lambda o: str(len(o.episodes))),
        ("alarms", lambda o: str(sum(e.alarm_at is not None for e in o.episodes))),
        ("alerts", lambda o: str(len(o.alerts))),
    )  # fmt: skip
    rows = [(*_place(u), u.readings, *(_both(u, show) for _, show in columns)) for u in units]
    parts.append(table(("organization", "site", "unit", ">readings", *(f">{name}" for name, _ in columns)), rows))
    episodes = [(*line[:1], *_place(u), *_episode(line[1])) for u in units for line in _lines(u, _episodes_of)]
    if episodes:
        names = ("", "organization", "site", "unit", "excursion began", "alarm", "normal again", ">lasted", ">extreme")
        parts.append(table(names, episodes))
    alerts = [(*line[:1], *_place(u), *_alert(line[1])) for u in units for line in _lines(u, _alerts_of)]
    if alerts:
        parts.append(table(("", "organization", "site", "unit", "alert", "severity", "opened", "resolved"), alerts))
    return "\n\n".join(parts)


def _place(unit: Replayed) -> tuple[str, str, str]:
    return unit.unit["organization"], unit.unit["site"], unit.unit["unit"]


def _both(unit: Replayed, show: Callable[[Outcome], str]) -> str:
    before = show(unit.before)
    after = before if unit.after is None else show(unit.after)
    return before if before == after else f"{before} -> {after}"


def _episodes_of(outcome: Outcome) -> Sequence[Episode]:
    return outcome.episodes


def _alerts_of(outcome: Outcome) -> Sequence[tuple[object, ...]]:
    return [_shown(alert) for alert in outcome.alerts]


def _shown(alert: Alert) -> tuple[object, ...]:
    """Return what tells two alerts apart here."""
    return alert.type.value, alert.severity.word, alert.opened_at, alert.resolved_at


def _lines(unit: Replayed, of: Callable[[Outcome], Sequence[Any]]) -> list[tuple[str, Any]]:
    """Return what both outcomes have, and what only one has, marked - or +."""
    before, after = of(unit.before), of(unit.before if unit.after is None else unit.after)
    lines = [(" " if one in after else "-", one) for one in before]
    return lines + [("+", one) for one in after if one not in before]


def _episode(episode: Episode) -> tuple[str, ...]:
    began, alarm, ended, extreme = episode
    lasted = "-" if ended is None else f"{(ended - began) / timedelta(minutes=1):.1f} min"
    return clock(began), clock(alarm), clock(ended), lasted, celsius(extreme)


def _alert(shown: tuple[str, str, datetime, datetime | None]) -> tuple[str, ...]:
    kind, severity, opened_at, resolved_at = shown
    return kind, severity, clock(opened_at), clock(resolved_at)


def unit_as_json(unit: Replayed) -> dict[str, Any]:
    """Return one unit as plain values."""
    return {
        "organization": unit.unit["organization"],
        "site": unit.unit["site"],
        "unit": unit.unit["unit"],
        "unitId": unit.unit["id"],
        "readings": unit.readings,
        "before": _outcome_as_json(unit.before),
        "after": None if unit.after is None else _outcome_as_json(unit.after),
    }


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "minutesOut": round(outcome.seconds_out / 60, 2),
        "episodes": [
            {"beganAt": e.began_at, "alarmAt": e.alarm_at, "endedAt": e.ended_at, "extreme": e.extreme}
            for e in outcome.episodes
        ],
        "alerts": [
            {"id": a.id, "type": a.type.value, "severity": a.severity.word, "openedAt": a.opened_at,
             "resolvedAt": a.resolved_at, "backfilled": a.backfilled}
            for a in outcome.alerts
        ],
    }  # fmt: skip


# --- what is on record


def report_as_text(report: Report, scope: Sequence[Record]) -> str:
    """Return every difference, every unit that cannot be compared, and the sums."""
    names = {row["id"]: f"{row['organization']} / {row['site']} / {row['unit']}" for row in scope}
    parts = []
    if report.differences:
        rows = [(names[d.unit_id], d.what, d.field, _value(d.expected), _value(d.recorded)) for d in report.differences]
        parts.append(table(("unit", "of", "field", "expected", "on record"), rows))
    parts += [f"not comparable: {names[unit]}: {why}" for unit, why in report.incomparable.items()]
    compared = report.units - len(report.incomparable)
    imported = f", {report.imported} imported alerts left out" if report.imported else ""
    parts.append(
        f"{compared} of {report.units} units compared, {report.readings} readings, {report.alerts} alerts{imported}: "
        f"{len(report.differences)} differences"
    )
    return "\n".join(parts)


def _value(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def report_as_json(report: Report) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        "units": report.units,
        "readings": report.readings,
        "alerts": report.alerts,
        "imported": report.imported,
        "incomparable": [{"unitId": unit, "reason": why} for unit, why in report.incomparable.items()],
        "differences": [_difference_as_json(d) for d in report.differences],
    }


def _difference_as_json(difference: Difference) -> dict[str, Any]:
    unit_id, what, field, expected, recorded = difference
    return {"unitId": unit_id, "of": what, "field": field, "expected": expected, "recorded": recorded}
