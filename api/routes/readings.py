"""What was measured."""

from api.handlers import charts, readings
from api.routing import Route
from api.shapes import readings as r
from frostguard.domain.access import Action

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/units/{unitId}/readings", readings.list_of_unit, Action.READINGS_VIEW,
        "The readings, or buckets of them",
        list[r.ReadingOrBucket], query=r.ReadingsQuery,
    ),
    Route(
        "GET", "/units/{unitId}/readings/latest", readings.latest, Action.READINGS_VIEW,
        "The newest reading of each sensor",
        list[r.LatestReading],
    ),
    Route(
        "GET", "/units/{unitId}/readings/export", readings.export, Action.REPORTS_EXPORT, "The readings as a CSV file",
        query=r.FileQuery, media="text/csv",
    ),
    Route(
        "GET", "/units/{unitId}/statistics", readings.summarise, Action.READINGS_VIEW, "What the readings amount to",
        r.Statistics, query=r.TimeQuery,
    ),
    Route(
        "GET", "/units/{unitId}/doors", charts.openings, Action.READINGS_VIEW, "When the door stood open",
        list[r.Opening], query=r.TimeQuery,
    ),
    Route(
        "GET", "/organizations/{orgId}/trends", charts.trends, Action.READINGS_VIEW,
        "The last hours of all units, in one short answer",
        r.Trends, query=r.TrendsQuery,
    ),
)
