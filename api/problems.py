"""Errors as RFC 9457 problems: what goes wrong is raised as a Problem, or translated into one in a single place."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

import orjson

from frostguard.errors import (
    ArchiveUnavailableError,
    ConflictError,
    FrostGuardError,
    RowRefusedError,
    StoreUnavailableError,
)
from frostguard.store.refusals import refusal_of

CONTENT_TYPE = "application/problem+json"


class FieldError(NamedTuple):
    """What is wrong with one member of the body or one parameter: its path (`limits.high`) and a sentence."""

    field: str
    message: str


class Problem(FrostGuardError):  # noqa: N818 - RFC 9457's word
    """An answer of 4xx or 5xx. `detail` is one sentence for people and says nothing of other organizations."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        slug: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.slug = slug


def not_found() -> Problem:
    """Absent, deleted, malformed or somebody else's: always these bytes."""
    return Problem(404, "There is nothing here.")


def forbidden(detail: str = "Your role does not allow this.") -> Problem:
    """The role does not suffice. Said before any object is looked up, so it tells nothing about one."""
    return Problem(403, detail)


def unauthorized(detail: str = "Sign in first.") -> Problem:
    """No access token, or none that counts."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="frostguard"'})


def invalid(*errors: FieldError) -> Problem:
    """The request is well-formed and means nothing: 422 with one sentence per field."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(422, f"{first.field}: {first.message}{more}", errors=errors)


def conflict(detail: str, field: str | None = None) -> Problem:
    """The request contradicts what is stored."""
    return Problem(409, detail, errors=[FieldError(field, detail)] if field else ())


def changed_meanwhile() -> Problem:
    """The version named by If-Match is no longer the stored one."""
    return Problem(412, "Somebody changed this since you read it: read it again.")


def busy(detail: str, seconds: float = 1) -> Problem:
    """We cannot now, for a reason that passes."""
    return Problem(503, detail, headers={"Retry-After": str(max(1, round(seconds)))})


def too_many(seconds: float) -> Problem:
    """Too many requests of this kind from there."""
    wait = max(1, round(seconds))
    return Problem(429, f"Too many attempts: wait {wait} s.", headers={"Retry-After": str(wait)})


# Constraint -> the field and what to say. All others are ours to prevent, and a 422 without a field when we do not.
BY_CONSTRAINT: dict[str, tuple[int, str, str]] = {
    "organizations_slug": (409, "slug", "Another organization has this slug."),
    "sites_name": (409, "name", "Another site has this name."),
    "areas_name": (409, "name", "Another area of this site has this name."),
    "units_name": (409, "name", "Another unit of this area has this name."),
    "sensors_serial": (409, "serial", "Another sensor has this serial."),
    "sensors_primary": (409, "primary", "The unit follows another sensor: try again."),
    "gateways_serial": (409, "serial", "This serial is taken."),
    "invitations_open": (409, "email", "An invitation to this address is open: try again."),
    "organization_owner": (409, "role", "An organization needs an owner."),
    "units_check": (422, "tempMin", "tempMin must be below tempMax"),
    "sensors_check": (422, "rangeLow", "rangeLow must be below rangeHigh"),
    "gateways_serial_check": (422, "serial", "has characters that are not allowed in this kind of gateway's name"),
    "sensors_serial_check": (422, "serial", "has characters that are not allowed"),
}


def of_refusal(error: RowRefusedError | ConflictError) -> Problem:
    """Say what a constraint of the database refused."""
    refusal = refusal_of(error)
    known = BY_CONSTRAINT.get(refusal.constraint)
    if known is None and isinstance(error, ConflictError):
        return conflict("Something like this is there already.")
    if known is None:
        return Problem(422, "The database refuses a value of this request.")
    status, field, message = known
    return Problem(status, message, errors=[FieldError(field, message)])


def of_error(error: Exception) -> Problem:
    """Translate whatever a handler raised. What we did not foresee is a 500 that says nothing of the inside."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RowRefusedError | ConflictError):
        return of_refusal(error)
    if isinstance(error, StoreUnavailableError):
        return busy("The database does not answer: try again.")
    if isinstance(error, ArchiveUnavailableError):
        return busy("These readings are in the archive, which does not answer: try again.", 30)
    return Problem(500, "Something went wrong on our side. The request id helps us to find out what.")


def body_of(problem: Problem, request_id: str) -> bytes:
    """Return the problem as JSON. `error` repeats the sentence for clients of the earlier system."""
    document: dict[str, object] = {
        "type": f"about:blank#{problem.slug}" if problem.slug else "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "requestId": request_id,
        "error": problem.detail,
    }
    if problem.errors:
        document["errors"] = [error._asdict() for error in problem.errors]
    return orjson.dumps(document)
