"""`frostguard-api`, or `python -m api`: read the settings, serve until SIGTERM, stop in order."""

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path

import uvloop

from api.program import Program, Settings
from api.server import listen
from frostguard import log as logs
from frostguard.config import ApiSettings, AuthSettings, DatabaseSettings, G, LogSettings, MailSettings, load
from frostguard.errors import FrostGuardError, StoreUnavailableError, UsageError

EXIT_FAILURE, EXIT_CONFIGURATION = 1, 78
START_SECONDS = 60

log = logging.getLogger("api")


def read_settings() -> Settings:
    """Return all groups. Raises one UsageError that names everything that is wrong in any of them."""
    complaints: list[str] = []

    def read(group: type[G]) -> G | None:
        try:
            return load(group)
        except UsageError as error:
            complaints.append(str(error).removeprefix("settings: "))
            return None

    database, api, auth, mail = read(DatabaseSettings), read(ApiSettings), read(AuthSettings), read(MailSettings)
    if database is None or api is None or auth is None or mail is None:
        raise UsageError("settings: " + "; ".join(complaints))
    return Settings(database, api, auth, mail)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    program = Program(settings)
    await _start(program, stop)
    try:
        if not stop.is_set():
            await _serve(program, stop)
    finally:
        await program.stop()
    log.info("stopped")


async def _start(program: Program, stop: asyncio.Event) -> None:
    """Start, waiting a minute for a database that is starting too."""
    for attempt in range(START_SECONDS):
        try:
            await program.start()
            return
        except StoreUnavailableError as error:
            if attempt == START_SECONDS - 1 or stop.is_set():
                raise
            log.warning("the database does not answer yet", extra={"error": str(error)})
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await stop.wait()


async def _serve(program: Program, stop: asyncio.Event) -> None:
    try:
        listening = await listen(program)
    except OSError as error:
        raise UsageError(f"cannot listen on {program.api.host}:{program.api.port}: {error.strerror}") from None
    log.info("listening", extra={"url": listening.url})
    ready: Path | None = program.api.ready_file
    if ready is not None:  # whole or not at all, for whoever watches for it
        partial = ready.with_name(f"{ready.name}.new")
        partial.write_text(f"{listening.url}\n")
        partial.replace(ready)
    try:
        await stop.wait()
        log.info("stopping")
    finally:
        await listening.stop()


def main() -> int:
    """Run. Returns the exit code: 0 after a stop, 1 failure, 78 a setting is wrong or missing."""
    try:
        logs.configure(load(LogSettings))
        uvloop.run(serve(read_settings()))
    except UsageError as error:
        print(f"frostguard-api: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except FrostGuardError as error:
        print(f"frostguard-api: {error}", file=sys.stderr)
        return EXIT_FAILURE
    return 0


if __name__ == "__main__":
    sys.exit(main())
