"""Passwords of gateways: made by us, kept as hashes in the form that Mosquitto's password file wants."""

import base64
import hashlib
import hmac
import os
import secrets

# mosquitto_passwd's own number. More would only slow the broker's single thread when a thousand gateways reconnect:
# these passwords are 192 random bits, which no count of rounds has to protect.
ROUNDS = 101


def new_password() -> str:
    """Return a password of 192 random bits, safe in URLs, files and shells."""
    return secrets.token_urlsafe(24)


def mosquitto_hash(password: str) -> str:
    """Return `$7$rounds$salt$hash` (PBKDF2 with HMAC-SHA512), what `mosquitto_passwd` writes after `user:`."""
    salt = os.urandom(12)
    return f"$7${ROUNDS}${_text(salt)}${_text(_derive(password, salt, ROUNDS))}"


def matches(password: str, stored: str) -> bool:
    """Tell whether the password is the one that was hashed. A hash in another form matches nothing."""
    try:
        empty, kind, rounds, salt, digest = stored.split("$")
        if empty or kind != "7":
            return False
        derived = _derive(password, base64.b64decode(salt, validate=True), int(rounds))
        return hmac.compare_digest(derived, base64.b64decode(digest, validate=True))
    except ValueError:
        return False


def _derive(password: str, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, 64)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
