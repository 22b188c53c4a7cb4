"""Start the ingest daemon: python -m ingest, frostguard-ingest."""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Sequence

import uvloop

from frostguard import log as logs
from frostguard.config import DatabaseSettings, IngestSettings, LogSettings, MqttSettings, load
from frostguard.errors import FrostGuardError, UsageError
from frostguard.notify import Notifier
from ingest import mqtt
from ingest.daemon import Daemon, Settings
from ingest.health import Health

EXIT_CONFIGURATION = 78  # EX_CONFIG: systemd and people know that a restart will not help


# Readings are plain values in no cycles: looking for cycles every 700 of them costs a fifth of the daemon's time.
GC_THRESHOLD = 100_000


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    notifier = Notifier.from_environment()
    health = Health(settings.ingest, notifier)
    daemon = Daemon(settings, health)

    def stop() -> None:
        notifier.stopping()
        daemon.stop()

    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop)
    await health.start()
    beating = asyncio.create_task(notifier.beat(daemon.turns.go_on), name="watchdog")
    try:
        await daemon.run()
    finally:
        beating.cancel()
        await health.stop()


def read_settings(shard: str | None = None) -> Settings:
    """Read every group; `shard` goes before INGEST_SHARD.

    Raises UsageError that names all that is wrong or missing, in one line.
    """
    wrong = []
    given = {} if shard is None else {"INGEST_SHARD": shard}
    for group, more in ((DatabaseSettings, {}), (MqttSettings, {}), (IngestSettings, given)):
        try:
            load(group, more)
        except UsageError as error:
            wrong.append(str(error).removeprefix("settings: "))
    if wrong:
        raise UsageError("settings: " + "; ".join(wrong))
    return Settings(load(DatabaseSettings), load(MqttSettings), load(IngestSettings, given))


def first_of_ours(error: BaseException) -> FrostGuardError | None:
    """Return the first error of ours inside a task group's bundle, if there is one."""
    if isinstance(error, BaseExceptionGroup):
        return next((ours for inner in error.exceptions if (ours := first_of_ours(inner))), None)
    return error if isinstance(error, FrostGuardError) else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 stopped, 78 a setting is wrong, 1 anything else."""
    parser = argparse.ArgumentParser("frostguard-ingest", description="Take readings in, judge and store them.")
    parser.add_argument("--shard", metavar="I/N", help="which of how many daemons this one is (default: INGEST_SHARD)")
    given = parser.parse_args(arguments)
    try:
        logs.configure(load(LogSettings))
        mqtt.self_check()
        settings = read_settings(given.shard)
        mqtt.tls_context(settings.mqtt)
        gc.set_threshold(GC_THRESHOLD, 20, 100)
        uvloop.run(serve(settings))
    except UsageError as error:
        print(f"frostguard-ingest: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except BaseExceptionGroup as group:
        ours = first_of_ours(group)
        if ours is None:
            logging.getLogger("ingest").exception("the daemon failed")
            return 1
        print(f"frostguard-ingest: {ours}", file=sys.stderr)
        return EXIT_CONFIGURATION if isinstance(ours, UsageError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
