"""Letters: written in the transaction that causes them, sent by whichever process is first, tried until they are sent.

A letter in the table says who hears of what; its text, and the token in it, are made when it is sent. The token is
derived from the letter's seed and a key that only processes have, so the table opens no door, and every try sends the
same token. A letter is claimed for two minutes, sent, and removed: after a crash in between it is sent once more.

When the mail server cannot be reached, sending pauses for everybody, longer each time. When it refuses one letter, that
letter waits, longer each time, and the others go on. After `expires_at` it is given up: whoever needs it asks again.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from api.letters import Letters
from api.mail import Mail, Mailer, RefusedError, ServerAwayError
from api.metrics import MailMetrics
from api.throttle import Throttle
from frostguard.errors import FrostGuardError
from frostguard.security import hash_token
from frostguard.store import accounts, audit, letters, members
from frostguard.store.audit import By, Change
from frostguard.store.connection import Connection, Record
from frostguard.store.lanes import Lanes
from frostguard.store.letters import Letter

VERIFY_SECONDS = 24 * 3600
RESET_SECONDS = 600
CLAIM_SECONDS = 120  # longer than any server may take to answer; then another process may try
STOP_SECONDS = 4  # supervisors give the whole program ten
LOOK_SECONDS = 5  # for letters of processes that died
FIRST_PAUSE, LONGEST_PAUSE, LONGEST_AWAY = 15, 3600, 60

log = logging.getLogger("api.outbox")


class Sending(NamedTuple):
    """The way out, the texts, and the secret that tokens are derived from."""

    mailer: Mailer
    texts: Letters
    secret: str


class Outbox:
    """Posts letters, and sends those that are due."""

    def __init__(self, lanes: Lanes, sending: Sending, metrics: MailMetrics) -> None:
        self._lanes = lanes
        self._mailer, self._texts, secret = sending
        self._key = hmac.digest(secret.encode(), b"frostguard tokens in letters", hashlib.sha256)
        self._metrics = metrics
        self._asked = Throttle(3)
        self._posted = asyncio.Event()
        self._turn = asyncio.Lock()
        self._stopping = False
        self._away = 0  # how often in a row the server was not there

    async def post(self, connection: Connection, letter: Letter) -> None:
        """Write a letter in the caller's transaction. Call `wake` after its commit. Beyond the bound it is left out."""
        if not await letters.add(connection, letter):
            self._metrics.dropped.inc()
            log.error("too many letters wait: one was left out", extra={"kind": letter.kind})

    async def asked_for(self, letter: Letter) -> None:
        """Post a letter that anybody may ask for, whether there is an account or not: three a minute to one address."""
        if self._asked.take(letter.recipient):
            return
        async with self._lanes.transaction() as connection:
            await self.post(connection, letter)
        self.wake()

    def wake(self) -> None:
        """Say that a letter was committed."""
        self._posted.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            try:
                pause = await self.send_due()
            except FrostGuardError as error:
                log.warning("letters cannot be read", extra={"error": str(error)})
                pause = LOOK_SECONDS
            if self._away:  # nobody wakes us: the server needs the pause
                await asyncio.sleep(pause)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._posted.wait()
            self._posted.clear()

    async def stop(self) -> None:
        """Take no further letter, and let the one in hand go out: else it would go out twice."""
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS), self._turn:
                pass

    async def send_due(self) -> float:
        """Send what is due. Returns the seconds after which to look again."""
        async with self._turn:
            while not self._stopping and (letter := await self._prepare()) is not None:
                self._away = 0 if await self._send(*letter) else self._away + 1
                if self._away:
                    break
            async with self._lanes.lane() as connection:
                state = await letters.look(connection)
        self._metrics.waiting.set(state["waiting"])
        self._metrics.oldest_seconds.set(state["oldest_seconds"])
        if self._away:
            return float(min(2 ** (self._away - 1), LONGEST_AWAY))
        next_seconds = LOOK_SECONDS if state["next_seconds"] is None else state["next_seconds"]
        return float(min(max(next_seconds, 0.05), LOOK_SECONDS))

    async def _prepare(self) -> tuple[Record, Mail] | None:
        """Claim a letter and make its mail. Letters that there is no reason for any more are removed on the way."""
        while True:
            async with self._lanes.transaction() as connection:
                row = await letters.claim(connection, CLAIM_SECONDS)
                if row is None:
                    return None
                mail = None if row["too_old"] else await self._written(connection, row)
                if mail is None:
                    await letters.remove(connection, row["id"])
            if row["too_old"]:
                self._metrics.given_up.inc()
                log.error("a letter was given up", extra={"kind": row["kind"], "tries": row["tries"] - 1})
            if mail is not None:
                await self._lanes.flushed()  # what the mail promises must not be lost after it has gone
                return row, mail

    async def _send(self, row: Record, mail: Mail) -> bool:
        """Hand a mail to the server. False: there is none to hand it to."""
        try:
            await asyncio.to_thread(self._mailer.deliver, mail)
        except (RefusedError, ServerAwayError) as error:
            reached = isinstance(error, RefusedError)
            longest = LONGEST_PAUSE if reached else LONGEST_AWAY
            pause = min(FIRST_PAUSE * 2 ** min(row["tries"] - 1, 20), longest)
            self._metrics.failures.labels("refused" if reached else "away").inc()
            facts = {"kind": row["kind"], "tries": row["tries"], "error": str(error)}
            log.warning("a letter was not sent", extra=facts)
            async with self._lanes.lane() as connection:
                await letters.postpone(connection, row["id"], pause)
            return reached
        self._metrics.sent.labels(row["kind"]).inc()
        async with self._lanes.lane() as connection:
            await letters.remove(connection, row["id"])
        await self._lanes.flushed()  # or it would be sent again after a crash
        return True

    async def _written(self, connection: Connection, row: Record) -> Mail | None:
        """Make the mail; None where there is nothing to say to this person any more."""
        to, texts = row["recipient"], self._texts
        plain: dict[str, Callable[[str], Mail]] = {
            "account_exists": texts.account_exists,
            "password_changed": texts.password_changed,
            "session_ended": texts.session_ended,
        }
        if row["kind"] in plain:
            return plain[row["kind"]](to)
        with_token: dict[str, Callable[[Connection, Record, str], Awaitable[Mail | None]]] = {
            "verify": self._verification,
            "reset": self._reset,
            "invitation": self._invitation,
        }
        code = hmac.digest(self._key, row["seed"].bytes, hashlib.sha256)
        return await with_token[row["kind"]](connection, row, base64.urlsafe_b64encode(code).decode().rstrip("="))

    async def _verification(self, connection: Connection, row: Record, token: str) -> Mail | None:
        user = await accounts.credentials(connection, row["recipient"])
        if user is None or user["disabled_at"] is not None or user["email_verified_at"] is not None:
            return None
        await accounts.add_email_token(connection, hash_token(token), user["id"], "verify", VERIFY_SECONDS)
        return self._texts.verify(row["recipient"], token)

    async def _reset(self, connection: Connection, row: Record, token: str) -> Mail | None:
        user = await accounts.credentials(connection, row["recipient"])
        if user is None or user["disabled_at"] is not None:
            return None
        await accounts.add_email_token(connection, hash_token(token), user["id"], "reset", RESET_SECONDS)
        if row["tries"] == 1:
            by = By(None, "anonymous", None, row["request_id"])
            entry = Change("account.reset_requested", "user", user["id"])
            await audit.append(connection, user["organization_id"], by, entry)
        return self._texts.reset(row["recipient"], token)

    async def _invitation(self, connection: Connection, row: Record, token: str) -> Mail | None:
        organization = await members.offer(connection, row["invitation_id"], hash_token(token))
        return None if organization is None else self._texts.invitation(row["recipient"], organization, token)
