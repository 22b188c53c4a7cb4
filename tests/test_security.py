"""Passwords at their edges, and every forged token that we could think of."""

import base64
import hmac
import json
import time
from hashlib import sha256, sha512
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostguard import security
from frostguard.errors import UsageError
from frostguard.security import (
    Signer,
    TokenError,
    hash_password,
    hash_token,
    needs_rehash,
    new_token,
    password_problem,
    verify_password,
)

SECRET, OTHER = "one secret of thirty-two letters, at least", "another secret of thirty-two letters, at least"
USER, SESSION = UUID(int=1), UUID(int=2)
SIGNER = Signer(SECRET, 900)


@pytest.mark.parametrize("password", ["x" * 72, "correct horse", "\0inside\0", "🦭" * 18, "  spaces  ", "é"])
def test_a_password_is_right_only_if_identical(password: str) -> None:
    stored = hash_password(password, 4)
    assert verify_password(password, stored, 4)
    for other in (password + "x", password[:-1], password.upper() + "!", "", password * 2):
        assert not verify_password(other, stored, 4)


def test_the_same_letter_in_two_encodings_is_two_passwords() -> None:
    assert not verify_password("e\u0301", hash_password("\u00e9", 4), 4)


@pytest.mark.parametrize(
    "stored", [None, "", "x", "$2b$12$short", "$2x$04$" + "a" * 53, "$argon2id$v=19$m=1$a$b", "$2b$99$" + "a" * 53]
)
def test_what_is_no_hash_matches_nothing_and_raises_nothing(stored: str | None) -> None:
    assert not verify_password("anything", stored, 4)


def test_every_miss_costs_the_same_number_of_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []
    monkeypatch.setattr(security, "_dummy", lambda cost: b"$2b$%02d$" % cost + b"a" * 53)

    def count(_: bytes, stored: bytes) -> bool:
        rounds.append(2 ** int(stored[4:6]))
        return False

    monkeypatch.setattr(security.bcrypt, "checkpw", count)
    hashes = (None, "nonsense", *(f"$2a${cost:02}${'a' * 53}" for cost in (4, 8, 10, 11, 12)))
    totals = []
    for stored in hashes:
        rounds.clear()
        assert not verify_password("wrong", stored)
        totals.append(sum(rounds))
    assert totals == [2**12] * len(hashes)


def test_weaker_and_older_hashes_are_made_anew() -> None:
    assert needs_rehash(hash_password("x", 4), 5)
    assert needs_rehash(hash_password("x", 4).replace("$2b$", "$2a$"), 4)
    assert not needs_rehash(hash_password("x", 4), 4)
    assert hash_password("x", 4).startswith("$2b$04$")
    assert security.COST >= 12


@pytest.mark.parametrize(("password", "bad"), [
    ("1234567", True), ("12345678x", False), ("é" * 36, False), ("é" * 36 + "x", True), ("Password1", True),
    ("a@x.io".upper(), True), ("\ud800" * 10, False),
])  # fmt: skip
def test_which_passwords_are_taken(password: str, bad: bool) -> None:
    assert (password_problem(password, "a@x.io") is not None) == bad


def test_random_tokens_are_long_and_never_repeat() -> None:
    tokens = {new_token() for _ in range(10_000)}
    assert len(tokens) == 10_000
    assert min(map(len, tokens)) == 43
    assert len(hash_token("x")) == 32


def test_a_token_says_who_and_for_how_long() -> None:
    claims = SIGNER.verify(SIGNER.issue(USER, SESSION))
    assert claims[:2] == (USER, SESSION)
    assert 895 <= claims.expires - time.time() <= 900


def test_tokens_of_the_secret_before_still_count_and_new_ones_use_the_new() -> None:
    old = SIGNER.issue(USER, SESSION)
    rotated = Signer(OTHER, 900, previous=SECRET)
    assert rotated.verify(old).user == USER
    with pytest.raises(TokenError):
        Signer(OTHER, 900).verify(old)
    with pytest.raises(TokenError):
        SIGNER.verify(rotated.issue(USER, SESSION))


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(header: object = None, claims: object = None, secret: str = SECRET, digest=sha256) -> str:
    signed = f"{part(header or HEADER)}.{part(claims or CLAIMS)}"
    return f"{signed}.{part(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


NOW = int(time.time())
HEADER = {"alg": "HS256", "typ": "at+jwt", "kid": SIGNER._kid}
CLAIMS = {
    "sub": str(USER), "sid": str(SESSION), "iat": NOW, "exp": NOW + 600, "iss": "frostguard",
    "aud": "frostguard-api", "jti": "1",
}  # fmt: skip


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in CLAIMS.items() if key != name}


FORGED = {
    "alg none": f"{part({**HEADER, 'alg': 'none'})}.{part(CLAIMS)}.",
    "alg None": f"{part({**HEADER, 'alg': 'NoNe'})}.{part(CLAIMS)}.",
    "alg HS512": forge({**HEADER, "alg": "HS512"}, digest=sha512),
    "alg RS256": forge({**HEADER, "alg": "RS256"}),
    "alg missing": forge({"typ": "at+jwt", "kid": HEADER["kid"]}),
    "alg a list": forge({**HEADER, "alg": ["HS256"]}),
    "typ JWT": forge({**HEADER, "typ": "JWT"}),
    "typ missing": forge({"alg": "HS256", "kid": HEADER["kid"]}),
    "kid missing": forge({"alg": "HS256", "typ": "at+jwt"}),
    "kid unknown": forge({**HEADER, "kid": "x"}),
    "kid a path": forge({**HEADER, "kid": "../../dev/null"}, secret=""),
    "kid a number": forge({**HEADER, "kid": 1}),
    "kid a list": forge({**HEADER, "kid": [HEADER["kid"]]}),
    "unknown crit": forge({**HEADER, "crit": ["x"], "x": 1}),
    "b64 false": forge({**HEADER, "b64": False, "crit": ["b64"]}),
    "another secret": forge(secret=OTHER),
    "empty secret": forge(secret=""),
    "jwk in the header": forge({**HEADER, "jwk": {"kty": "oct", "k": "AA"}}, secret="\0"),
    "no exp": forge(claims=without("exp")),
    "no iat": forge(claims=without("iat")),
    "no sub": forge(claims=without("sub")),
    "no sid": forge(claims=without("sid")),
    "no jti": forge(claims=without("jti")),
    "no iss": forge(claims=without("iss")),
    "no aud": forge(claims=without("aud")),
    "exp in text": forge(claims={**CLAIMS, "exp": str(NOW + 600)}),
    "exp a fraction": forge(claims={**CLAIMS, "exp": NOW + 600.5}),
    "exp huge": forge(claims={**CLAIMS, "exp": 1e308}),
    "exp enormous": forge(claims=json.dumps(CLAIMS).replace(str(NOW + 600), "1" + "0" * 400).encode()),
    "exp past": forge(claims={**CLAIMS, "exp": NOW - 60, "iat": NOW - 600}),
    "exp true": forge(claims={**CLAIMS, "exp": True}),
    "a longer life": forge(claims={**CLAIMS, "exp": NOW + 901}),
    "issued in the future": forge(claims={**CLAIMS, "iat": NOW + 500}),
    "not before": forge(claims={**CLAIMS, "nbf": NOW + 500}),
    "another issuer": forge(claims={**CLAIMS, "iss": "evil"}),
    "another audience": forge(claims={**CLAIMS, "aud": "other"}),
    "audiences": forge(claims={**CLAIMS, "aud": ["frostguard-api", "other"]}),
    "sub no uuid": forge(claims={**CLAIMS, "sub": "admin"}),
    "sub a number": forge(claims={**CLAIMS, "sub": 1}),
    "sid no uuid": forge(claims={**CLAIMS, "sid": "1"}),
    "sid null": forge(claims={**CLAIMS, "sid": None}),
    "claims a list": forge(claims=[1]),
    "claims no json": forge(claims=b"{"),
    "deep claims": forge(claims=b"[" * 1500 + b"]" * 1500),
    "a megabyte": forge(claims={**CLAIMS, "x": "y" * 1_000_000}),
    "two dots too many": SIGNER.issue(USER, SESSION) + "..",
    "no signature": SIGNER.issue(USER, SESSION).rpartition(".")[0] + ".",
    "nothing": "",
    "not ascii": "é.é.é",
}


@pytest.mark.parametrize("name", FORGED)
def test_no_forged_token_counts(name: str) -> None:
    with pytest.raises(TokenError):
        SIGNER.verify(FORGED[name])


def test_the_forgery_would_count_if_it_were_none() -> None:
    assert SIGNER.verify(forge()).session == SESSION


@settings(max_examples=2000, deadline=None)
@given(st.data())
def test_no_mutated_token_counts(data: st.DataObject) -> None:
    token = SIGNER.issue(USER, SESSION)
    place = data.draw(st.integers(0, len(token) - 2))  # the last letter carries bits that mean nothing
    letter = data.draw(st.characters(min_codepoint=1, max_codepoint=0x2FF))
    mutated = token[:place] + letter + token[place + 1 :]
    if mutated != token:
        with pytest.raises(TokenError):
            SIGNER.verify(mutated)


@pytest.mark.parametrize("secret", [*sorted(security.KNOWN_SECRETS), "", "short", "x" * 31, "ab" * 40])
def test_public_and_poor_secrets_are_refused(secret: str) -> None:
    with pytest.raises(UsageError):
        Signer(secret, 900)
    with pytest.raises(UsageError):
        Signer(SECRET, 900, previous=secret or "x")


def test_ids_are_uuids() -> None:
    user, session = uuid4(), uuid4()
    assert SIGNER.verify(SIGNER.issue(user, session))[:2] == (user, session)
