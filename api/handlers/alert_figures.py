"""How many alerts are open, and how long people and machines took."""

from datetime import UTC, datetime
from typing import Any

from api import problems
from api.answers import Answer, members_of, shown
from api.call import Call
from api.handlers.readings import FIRST
from api.problems import FieldError
from api.shapes.readings import RANGES
from frostguard.domain.alert import AlertStatus, AlertType, Severity
from frostguard.store import alert_lists
from frostguard.store.connection import Record

SECONDS = ("acknowledge_mean", "acknowledge_median", "resolve_mean", "resolve_median")
NOTHING = {"alerts": 0, "acknowledged": 0, "resolved": 0}


async def count(call: Call) -> Answer:
    """Count the open alerts by status, severity and type."""
    async with call.program.lanes.lane() as connection:
        rows = await alert_lists.count_open(connection, call.organization_id, call.query.site)

    def sum_of(column: str, words: list[str]) -> dict[str, int]:
        return {word: sum(row["alerts"] for row in rows if row[column] == word) for word in words}

    return shown(
        {
            "open": sum(row["alerts"] for row in rows),
            "byStatus": sum_of("status", [s.value for s in AlertStatus if s is not AlertStatus.RESOLVED]),
            "bySeverity": sum_of("severity", [s.word for s in Severity]),
            "byType": {name: n for name, n in sum_of("alert_type", [t.value for t in AlertType]).items() if n},
        }
    )


async def analyse(call: Call) -> Answer:
    """Show how many alerts opened, and how long it took to acknowledge and to resolve them."""
    query, now = call.query, datetime.now(UTC)
    end = min(query.end or now, now)
    begin = now - RANGES[query.range or "30d"] if query.begin is None else max(query.begin, FIRST)
    if begin > end:
        raise problems.invalid(FieldError("from", "must not lie in the future"))
    async with call.program.lanes.lane() as connection:
        rows = await alert_lists.analyse(connection, call.organization_id, begin, end)
    parts: dict[str, list[dict[str, Any]]] = {"all": [], "type": [], "severity": [], "site": []}
    for row in rows:
        parts[row["part"]].append(_part(row))
    return shown(
        {
            "from": begin,
            "to": end,
            "all": parts["all"][0],
            "byType": parts["type"],
            "bySeverity": parts["severity"],
            "bySite": parts["site"],
        }
    )


def _part(row: Record) -> dict[str, Any]:
    found = {name: row[name] for name in NOTHING}
    for name in SECONDS:
        deed, _, kind = name.partition("_")
        value = row[name]
        found[f"{deed}Seconds{kind.title()}"] = None if value is None else round(max(0.0, value), 1)
    match row["part"]:
        case "type":
            found["alertType"] = row["alert_type"]
        case "severity":
            found["severity"] = row["severity"]
        case "site":
            found |= members_of({"site_id": row["site_id"], "site_name": row["site_name"]})
    return found
