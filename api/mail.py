"""Mail out: by SMTP where it is configured, else into a folder, with a log line that names the file."""

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
from frostguard.errors import FrostGuardError

TIMEOUT_SECONDS = 20
CLOSING = {421, 454}  # what a server says when it cannot now, whoever the mail is for

log = logging.getLogger("api.mail")


class RefusedError(FrostGuardError):
    """The server does not take this mail; it may take others."""


class ServerAwayError(FrostGuardError):
    """There is no server that takes any mail now."""


class Mail(NamedTuple):
    """One mail to one person."""

    to: str
    subject: str
    text: str


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """Return the mail as it goes out. Line breaks in subject or address are refused by the email package."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


class Mailer:
    """Hands mails to a server, or to a folder."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def deliver(self, mail: Mail) -> None:
        """Send a mail; never on the event loop. Raises RefusedError or ServerAwayError."""
        try:
            self._deliver(message_of(mail, self._settings.mail_from), mail)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, ValueError) as error:
            raise (ServerAwayError if _is_closing(error) else RefusedError)(_told(error)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise ServerAwayError(_told(error)) from error

    def _deliver(self, message: EmailMessage, mail: Mail) -> None:
        if self._settings.smtp_url is not None:
            _by_smtp(self._settings.smtp_url.get_secret_value(), message)
        elif self._settings.mail_dir is not None:
            path = _into_folder(self._settings.mail_dir, message)
            log.info("mail written", extra={"to": mail.to, "subject": mail.subject, "file": str(path)})
        else:
            log.warning("mail not sent: set SMTP_URL or MAIL_DIR", extra={"to": mail.to, "subject": mail.subject})


def _is_closing(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in CLOSING for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code in CLOSING


def _told(error: Exception) -> str:
    """Return the error without addresses: a server's refusal names them."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"recipient refused: {sorted(code for code, _ in error.recipients.values())}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}: {error.smtp_code}"
    return f"{type(error).__name__}: {error}"[:200]


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
