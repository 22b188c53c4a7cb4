"""Mail out: by SMTP where it is configured, else into a folder, with a log line that names the file.

Sending happens behind the answer, in order, so no request waits for a mail server and none can be timed by it. The
queue is bounded: what comes beyond is dropped, counted and logged; everybody can ask for such a mail again.
"""

import asyncio
import contextlib
import logging
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from frostguard.config import MailSettings

MAX_QUEUED = 500
TRIES = 3
TIMEOUT_SECONDS = 20

log = logging.getLogger("api.mail")


class Letter(NamedTuple):
    """One mail to one person."""

    to: str
    subject: str
    text: str


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """Return the mail as it goes out. Line breaks in subject or address are refused by the email package."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


class Mailer:
    """A queue and one task that sends from it."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._queue: asyncio.Queue[Letter] = asyncio.Queue(MAX_QUEUED)
        self.dropped = 0
        self.failed = 0
        self.sent = 0

    def send(self, letter: Letter) -> None:
        """Put a mail into the queue."""
        try:
            self._queue.put_nowait(letter)
        except asyncio.QueueFull:
            self.dropped += 1
            log.error(  # noqa: TRY400 - the traceback of a full queue says nothing
                "too many mails wait: one was dropped", extra={"subject": letter.subject}
            )

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            letter = await self._queue.get()
            try:
                await self._deliver(letter)
            finally:
                self._queue.task_done()

    async def drained(self) -> None:
        """Wait until everything that was in the queue has been tried."""
        await self._queue.join()

    async def _deliver(self, letter: Letter) -> None:
        for attempt in range(TRIES):
            try:
                await asyncio.to_thread(self._deliver_now, letter)
                self.sent += 1
                return
            except (OSError, smtplib.SMTPException, ValueError) as error:
                log.warning(
                    "a mail was not sent",
                    extra={"subject": letter.subject, "error": f"{type(error).__name__}: {error}"},
                )
                await asyncio.sleep(0 if attempt == TRIES - 1 else 2**attempt)
        self.failed += 1

    def _deliver_now(self, letter: Letter) -> None:
        message = message_of(letter, self._settings.mail_from)
        if self._settings.smtp_url is not None:
            _by_smtp(self._settings.smtp_url.get_secret_value(), message)
        elif self._settings.mail_dir is not None:
            path = _into_folder(self._settings.mail_dir, message)
            log.info("mail written", extra={"to": letter.to, "subject": letter.subject, "file": str(path)})
        else:
            log.warning("mail not sent: set SMTP_URL or MAIL_DIR", extra={"to": letter.to, "subject": letter.subject})


def _into_folder(folder: Path, message: EmailMessage) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}.eml"
    path.touch(mode=0o600)
    path.write_bytes(bytes(message))
    return path


def _by_smtp(url: str, message: EmailMessage) -> None:
    parts = urlsplit(url)
    host, context = parts.hostname or "", ssl.create_default_context()
    with contextlib.ExitStack() as stack:
        if parts.scheme == "smtps":
            server: smtplib.SMTP = stack.enter_context(
                smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_SECONDS, context=context)
            )
        else:
            server = stack.enter_context(smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT_SECONDS))
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
