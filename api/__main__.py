"""`frostguard-api`, or `python -m api`: read the settings, serve until SIGTERM, stop in order."""

import asyncio
import gc
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path

import uvloop

from api.program import Program, Settings
from api.server import listen
from frostguard import log as logs
from frostguard.config import (
    ApiSettings,
    AuthSettings,
    DatabaseSettings,
    FeedSettings,
    G,
    LogSettings,
    MailSettings,
    load,
)
from frostguard.errors import FrostGuardError, StoreUnavailableError, UsageError
from frostguard.notify import Notifier

EXIT_FAILURE, EXIT_CONFIGURATION = 1, 78
START_SECONDS = 60
GC_THRESHOLD = 10_000  # objects; at Python's 700 a busy server looks for garbage more often than it makes any

log = logging.getLogger("api")


class BrokenError(FrostGuardError):
    """A part of the program has ended by itself: the rest must not go on alone."""


def read_settings() -> Settings:
    """Return all groups. Raises one UsageError that names everything that is wrong in any of them."""
    complaints: list[str] = []

    def read(group: type[G]) -> G | None:
        try:
            return load(group)
        except UsageError as error:
            complaints.append(str(error).removeprefix("settings: "))
            return None

    database, api, auth = read(DatabaseSettings), read(ApiSettings), read(AuthSettings)
    mail, feed = read(MailSettings), read(FeedSettings)
    if database is None or api is None or auth is None or mail is None or feed is None:
        raise UsageError("settings: " + "; ".join(complaints))
    return Settings(database, api, auth, mail, feed)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises BrokenError where a part of the program ended by itself."""
    notifier = Notifier.from_environment()
    stop = asyncio.Event()

    def stop_in_order() -> None:
        notifier.stopping()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_in_order)
    program = Program(settings)
    beating = asyncio.create_task(notifier.beat(lambda: not program.broken.is_set()), name="watchdog")
    try:
        await _start(program, stop, notifier)
        try:
            if not stop.is_set():
                await _serve(program, stop, notifier)
        finally:
            await program.stop()
    finally:
        beating.cancel()
    log.info("stopped")


async def _start(program: Program, stop: asyncio.Event, notifier: Notifier) -> None:
    """Start, waiting a minute for a database that is starting too."""
    for attempt in range(START_SECONDS):
        try:
            await program.start()
            return
        except StoreUnavailableError as error:
            if stop.is_set():
                return
            if attempt == START_SECONDS - 1:
                raise
            log.warning("the database does not answer yet", extra={"error": str(error)})
            notifier.status("PostgreSQL: does not answer yet")
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await stop.wait()


async def _serve(program: Program, stop: asyncio.Event, notifier: Notifier) -> None:
    try:
        listening = await listen(program)
    except OSError as error:
        raise UsageError(f"cannot listen on {program.api.host}:{program.api.port}: {error.strerror}") from None
    log.info("listening", extra={"url": listening.url})
    gc.collect()
    gc.freeze()  # modules, schemas and routes stay: looking them through again and again held up answers for 0.1 s
    ready: Path | None = program.api.ready_file
    if ready is not None:  # whole or not at all, for whoever watches for it
        partial = ready.with_name(f"{ready.name}.new")
        partial.write_text(f"{listening.url}\n")
        partial.replace(ready)
    notifier.ready(f"listening on {listening.url}")
    try:
        await _stopped_or_broken(stop, program.broken)
        log.info("stopping")
    finally:
        await listening.stop()


async def _stopped_or_broken(stop: asyncio.Event, broken: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in (stop, broken)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    if broken.is_set() and not stop.is_set():
        raise BrokenError("a task of the program has ended by itself (its traceback is in the log)")


def main() -> int:
    """Run. Returns the exit code: 0 after a stop, 1 failure, 78 a setting is wrong or missing."""
    try:
        logs.configure(load(LogSettings))
        settings = read_settings()
        gc.set_threshold(GC_THRESHOLD, 20, 100)
        uvloop.run(serve(settings))
    except UsageError as error:
        print(f"frostguard-api: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except FrostGuardError as error:
        print(f"frostguard-api: {error}", file=sys.stderr)
        return EXIT_FAILURE
    return 0


if __name__ == "__main__":
    sys.exit(main())
