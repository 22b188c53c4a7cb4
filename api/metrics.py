"""What the API says of itself to Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """One registry for one program, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "frostguard_api_requests", "Requests by route and status", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "frostguard_api_request_seconds", "Time to answer", ["route"], buckets=BUCKETS, registry=self.registry
        )
        self.logins = Counter("frostguard_api_logins", "Logins by outcome", ["outcome"], registry=self.registry)
        self.refreshes = Counter(
            "frostguard_api_refreshes", "Refreshes by outcome", ["outcome"], registry=self.registry
        )
        self.connections_refused = Counter(
            "frostguard_api_connections_refused", "Connections beyond a limit", registry=self.registry
        )
        self.connections = Gauge("frostguard_api_connections", "Open connections", registry=self.registry)
        self.passwords_pending = Gauge(
            "frostguard_api_passwords_pending", "Passwords that wait to be hashed", registry=self.registry
        )
        self.sessions_known = Gauge("frostguard_api_sessions_known", "Sessions in memory", registry=self.registry)
        self.trusted = Gauge(
            "frostguard_api_access_trusted", "1 while changes of access reach this process", registry=self.registry
        )
        self.mails_failed = Gauge("frostguard_api_mails_failed", "Mails given up or dropped", registry=self.registry)

    def exposition(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)
