"""Structured logs: JSON lines in production, readable lines on a terminal."""

import logging
import sys
from datetime import UTC, datetime

import orjson

from frostguard.config import LogSettings

# What every LogRecord has; everything else came in by `extra=` and belongs into the line.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {k: v for k, v in vars(record).items() if k not in _STANDARD}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message, what `extra` gave, and the traceback as `error`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextFormatter(logging.Formatter):
    """Time, level, message, then the extras as key=value. Line breaks of foreign text are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line (with the traceback below it, if any)."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        extras = "".join(f" {k}={v}" for k, v in _extras(record).items())
        text = f"{record.getMessage()}{extras}".replace("\n", "\\n").replace("\r", "\\r")
        line = f"{at} {record.levelname:<7} {record.name}: {text}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(settings: LogSettings) -> None:
    """Send all logs of this process to standard error in the chosen form."""
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    logging.basicConfig(level=settings.level, handlers=[handler], force=True)
