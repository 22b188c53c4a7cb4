"""What the API says of itself to Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from api.chores import ChoreMetrics

CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


ROUND = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class FeedMetrics:
    """What the feeds say of themselves."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sockets = Gauge("frostguard_api_feed_sockets", "Open sockets and streams", ["kind"], registry=registry)
        self.subscriptions = Gauge("frostguard_api_feed_subscriptions", "Topics subscribed to", registry=registry)
        self.frames = Counter("frostguard_api_feed_frames", "Frames sent, each subscriber's", registry=registry)
        self.closed = Counter("frostguard_api_feed_closed", "Sockets that we ended", ["code"], registry=registry)
        self.behind = Gauge("frostguard_api_feed_behind", "Subscribers that read on from memory", registry=registry)
        self.window_bytes = Gauge("frostguard_api_feed_window_bytes", "What they can read on from", registry=registry)
        self.lag = Histogram(
            "frostguard_api_feed_lag_seconds", "From a commit until it was sent", buckets=ROUND, registry=registry
        )


class MailMetrics:
    """What the outbox says of itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sent = Counter("frostguard_api_mail_sent", "Letters that were sent", ["kind"], registry=registry)
        self.failures = Counter(
            "frostguard_api_mail_failures", "Tries that failed: refused by the server, or it was away", ["why"],
            registry=registry,
        )  # fmt: skip
        self.given_up = Counter("frostguard_api_mail_given_up", "Letters too old to be sent", registry=registry)
        self.dropped = Counter("frostguard_api_mail_dropped", "Letters beyond the bound", registry=registry)
        self.waiting = Gauge("frostguard_api_mail_waiting", "Letters of all processes that wait", registry=registry)
        self.oldest_seconds = Gauge(
            "frostguard_api_mail_oldest_seconds", "How long the oldest of them waits", registry=registry
        )


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
        self.feed = FeedMetrics(self.registry)
        self.mail = MailMetrics(self.registry)
        self.chores = ChoreMetrics()
        self.registry.register(self.chores)

    def exposition(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)
