"""Passwords, access tokens and random tokens; the only importer of bcrypt and jwt.

An access token names a user and a session and nothing else: roles are looked up. Its algorithm is ours, never the
token's choice. Random tokens (refresh, invitation, links in mails) are kept as SHA-256, so the database opens no door.
"""

import hashlib
import secrets
import time
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import bcrypt
import jwt

from frostguard.errors import FrostGuardError, UsageError

COST = 12
MIN_PASSWORD_BYTES, MAX_PASSWORD_BYTES = 8, 72  # bcrypt sees no more than 72
MIN_SECRET = 32
MAX_TOKEN = 4096
ISSUER, AUDIENCE, TYPE, ALGORITHM = "frostguard", "frostguard-api", "at+jwt", "HS256"
CLAIMS = ["sub", "sid", "iat", "exp", "iss", "aud", "jti"]
CLOCK_SKEW_SECONDS = 5

# Public, because they stand in examples: whoever keeps one of them has no secret.
KNOWN_SECRETS = frozenset(
    {
        "your-super-secret-key-min-32-chars",
        "your-super-secret-jwt-key-here",
        "your-super-secret-jwt-key-change-in-production",
        "change-me-to-a-secret-of-32-characters-or-more",
        "super-secret-jwt-token-with-at-least-32-characters-long",
    }
)

# Long enough, and still the first that anybody tries. The account's own address is refused beside them.
_COMMON = """
password password1 password12 password123 12345678 123456789 1234567890 qwertyuiop qwerty123 11111111 00000000
iloveyou sunshine princess football baseball superman trustno1 letmein1 welcome1 welcome123 admin123 adminadmin
changeme changeme1 passw0rd p@ssw0rd abc12345 1q2w3e4r 1qaz2wsx qwertyui asdfghjk zaq12wsx 87654321 monkey123
dragon123 master123 whatever starwars computer internet michelle jennifer 88888888 12341234 11223344 aa123456
"""
COMMON_PASSWORDS = frozenset(_COMMON.split())


class TokenError(FrostGuardError):
    """An access token that is not one of ours, or no longer valid."""


class Claims(NamedTuple):
    """What an access token says: whose session, and until when (seconds since 1970)."""

    user: UUID
    session: UUID
    expires: int


def password_problem(password: str, email: str = "") -> str | None:
    """Return why this cannot become a password, or None."""
    size = len(password.encode("utf-8", "surrogatepass"))
    if not MIN_PASSWORD_BYTES <= size <= MAX_PASSWORD_BYTES:
        return f"must have {MIN_PASSWORD_BYTES} to {MAX_PASSWORD_BYTES} bytes in UTF-8 (this has {size})"
    lowered = password.lower()
    if lowered in COMMON_PASSWORDS or lowered == email.lower():
        return "is too easy to guess"
    return None


def hash_password(password: str, cost: int = COST) -> str:
    """Return the bcrypt hash. About 0.2 s at the default cost: never call it on the event loop."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def verify_password(password: str, stored: str | None, cost: int = COST) -> bool:
    """Tell whether the password is the stored one. A miss takes the same time whether there is a hash, or which one."""
    raw = password.encode("utf-8", "surrogatepass")
    usable = len(raw) <= MAX_PASSWORD_BYTES
    given = raw if usable else b"too long"
    found = _cost_of(stored)
    if stored is None or found is None:
        bcrypt.checkpw(given, _dummy(cost))
        return False
    if bcrypt.checkpw(given, stored.encode()) and usable:
        return True
    for rest in range(found, cost):  # 2^found + 2^found + ... + 2^(cost - 1) = 2^cost
        bcrypt.checkpw(given, _dummy(rest))
    return False


def needs_rehash(stored: str, cost: int = COST) -> bool:
    """Tell whether a hash that matched is weaker than the ones we make (`$2a$10$` of the earlier system)."""
    found = _cost_of(stored)
    return found is None or found < cost or not stored.startswith("$2b$")


def _cost_of(stored: str | None) -> int | None:
    parts = (stored or "").split("$")
    well_formed = len(parts) == 4 and parts[1] in {"2a", "2b", "2y"} and len(parts[3]) == 53 and parts[2].isdigit()
    return int(parts[2]) if well_formed and 4 <= int(parts[2]) <= 31 else None


@cache
def _dummy(cost: int) -> bytes:
    return bcrypt.hashpw(secrets.token_bytes(24).hex().encode(), bcrypt.gensalt(cost))


def new_token() -> str:
    """Return 256 random bits, safe in URLs."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """Return what is kept of a random token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def check_secret(secret: str) -> None:
    """Raise UsageError for a signing secret that is short or publicly known."""
    if len(secret) < MIN_SECRET:
        raise UsageError(f"JWT_SECRET must have at least {MIN_SECRET} characters (this has {len(secret)})")
    if secret.lower() in KNOWN_SECRETS or len(set(secret)) < 8:
        raise UsageError("JWT_SECRET is a publicly known example or no secret at all: make one of your own")


class Signer:
    """Makes and checks access tokens. `previous` is a retired secret whose tokens still count."""

    def __init__(self, secret: str, lifetime: int, previous: str | None = None) -> None:
        for each in (secret, *([previous] if previous else [])):
            check_secret(each)
        self.lifetime = lifetime
        self._kid = _key_id(secret)
        self._keys = {_key_id(s): s for s in (previous, secret) if s}

    def issue(self, user: UUID, session: UUID) -> str:
        """Return an access token that lasts `lifetime` seconds from now."""
        now = int(time.time())
        claims = {
            "sub": str(user), "sid": str(session), "iat": now, "exp": now + self.lifetime,
            "iss": ISSUER, "aud": AUDIENCE, "jti": uuid4().hex,
        }  # fmt: skip
        return jwt.encode(claims, self._keys[self._kid], ALGORITHM, headers={"kid": self._kid, "typ": TYPE})

    def verify(self, token: str) -> Claims:
        """Return what a token says. Raises TokenError for any token that we did not make or that has run out."""
        if len(token) > MAX_TOKEN:
            raise TokenError("too long")
        try:
            key = self._key_of(jwt.get_unverified_header(token))
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, leeway=CLOCK_SKEW_SECONDS,
                options={"require": CLAIMS, "verify_sub": True, "verify_jti": True},
            )  # fmt: skip
            return self._claims(claims)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise TokenError(str(error)) from None

    def _key_of(self, header: dict[str, Any]) -> str:
        if header.get("typ") != TYPE or header.get("alg") != ALGORITHM:
            raise TokenError("another type of token")
        kid = header.get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenError("signed with an unknown key")
        return key

    def _claims(self, claims: dict[str, Any]) -> Claims:
        issued, expires = claims["iat"], claims["exp"]
        if type(issued) is not int or type(expires) is not int or not 0 < expires - issued <= self.lifetime:
            raise TokenError("a life that we never give")
        if not isinstance(claims["sid"], str) or not isinstance(claims["aud"], str):
            raise TokenError("claims of another shape")
        return Claims(UUID(claims["sub"]), UUID(claims["sid"]), expires)


def _key_id(secret: str) -> str:
    return hashlib.sha256(b"frostguard key id " + secret.encode()).hexdigest()[:16]
