"""Whether every answer is one that the OpenAPI document promises: asked by schemathesis, which reads only the document.

It makes requests that fit the document and requests that do not; real ids and tokens are put in their places, so that
a request comes as far as its body. `make chaos` asks more: every boundary of every schema, and longer at random.
"""

import asyncio
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import AcceptedNegativeData, Failure, FailureGroup
from schemathesis.openapi.checks import (
    AllowHeaderMismatch,
    RejectedPositiveData,
    UndefinedContentType,
    UnsupportedMethodResponse,
)
from schemathesis.specs.openapi.checks import ignored_auth

from api.openapi import document
from api.routes import ROUTES
from api.routing import Gate, Route
from tests.api.conftest import Running, serving
from tests.api.deeds import DEEDS, Request

SEED = 20261122
FEW, MANY = 2, 200
PARTS = 4  # for as many workers
BY_NAME = {route.name: route for route in ROUTES}
is_uuid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch

# What a schema of single members cannot say: requests that fit it are refused with 422 for these reasons only.
says_more_than_a_schema = re.compile(
    "cursor: is not one of ours|token: is unknown|is no (site|unit|area) of|give either range, or from|to needs from|"
    "from must lie before to|must have 8 to 72 bytes|must be an IANA time zone|must (lie|not|hold|be below) |"
    "neither readings nor a sensor|names no device|belongs to the organization|cannot be set by clients|is needed: |"
    "name a site or a unit, not both|leaves nothing inside|text must not hold the NUL|are not allowed|"
    "X-Change-Reason: must have at most|serial must have|must be an e-mail address|a valid integer|cannot be printed|"
    "must grow from|should have at least . character"  # white space at both ends does not count
).search


@dataclass
class Visit:
    """One operation as its document describes it, and a request of ours that would succeed."""

    running: Running
    loop: asyncio.AbstractEventLoop
    operation: Any
    http: requests.Session
    anonymous: bool = False
    found: list[str] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.route: Route = BY_NAME[self.operation.label]
        self._prepared = self._prepare()

    def _prepare(self) -> Request:
        async def prepare() -> Request:
            return await DEEDS[self.route.name](self.running.world, await self.running.world.organization())

        return asyncio.run_coroutine_threadsafe(prepare(), self.loop).result()

    def ask(self, case: Any) -> None:
        """Send a case and write down every promise that its answer breaks."""
        request = self._prepared
        names = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/?]+)", self.route.path)
        for name, value in re.fullmatch(names, request.path.partition("?")[0]).groupdict().items():
            if is_uuid(str(case.path_parameters.get(name))) or case.meta.generation.mode.is_positive:
                case.path_parameters[name] = value
        headers = {"X-Forwarded-For": f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.7"}
        if request.token is not None and not self.anonymous:
            scheme = "Basic" if self.route.gate is Gate.GATEWAY_KEY else "Bearer"
            headers["Authorization"] = f"{scheme} {request.token}"
        answer = case.call(base_url=self.running.listening.url, session=self.http, headers=headers)
        self.asked += 1
        self.found += self._broken(case, answer, headers)
        if self.route.mutates and answer.status_code < 300:
            self._prepared = self._prepare()

    def _broken(self, case: Any, answer: requests.Response, headers: dict[str, str]) -> Iterator[str]:
        if self.anonymous and self.route.gate is not Gate.PUBLIC and answer.status_code != 401:
            yield f"{self.route.name} answers {answer.status_code} without a token"
        try:
            case.validate_response(answer, headers=headers, excluded_checks=[ignored_auth])
        except FailureGroup as group:
            for failure in group.exceptions:
                if not self._is_ours(failure, case, answer):
                    yield f"{self.route.name}: {failure.title}: {failure.message}\n{answer.text[:300]}\n{failure}"

    def _is_ours(self, failure: Failure, case: Any, answer: requests.Response) -> bool:
        """What the document cannot say, or says elsewhere."""
        match failure:
            case RejectedPositiveData() if self.route.goes_on:  # what opens one is in docs/feeds.md
                return True
            case RejectedPositiveData():
                cannot = answer.status_code == 422 and says_more_than_a_schema(answer.json()["detail"])
                return bool(cannot) or (answer.status_code == 412 and "If-Match" in case.headers)
            case AcceptedNegativeData():  # the version or the size was looked at before the body was judged
                return answer.status_code in {412, 413}
            case UndefinedContentType():  # the page's files are of several types
                return self.route.path.startswith("/page/")
            case UnsupportedMethodResponse() | AllowHeaderMismatch():  # DELETE would be one of {orgId}
                return self.route.path == "/organizations/slug-available"
        return False


def at_random(visit: Visit, mode: GenerationMode, examples: int, number: int) -> None:
    bounds = settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    @seed(number)
    @bounds
    @given(case=visit.operation.as_strategy(generation_mode=mode))
    def test(case: Any) -> None:
        visit.ask(case)

    try:
        test()
    except Unsatisfiable:  # a route that takes nothing takes nothing wrong
        assert mode.is_negative


def at_boundaries(visit: Visit) -> None:
    schema = visit.operation.schema
    chosen = schema.config.generation_for(operation=visit.operation)
    for case in schema.iter_coverage_cases(
        visit.operation, generation_modes=list(GenerationMode), generation_config=chosen
    ):
        visit.ask(case)


async def visited(database: str, part: int, work: Callable[[Visit], None]) -> int:
    """Do the work with every operation of a part of the table. Returns how many requests it made."""
    schema = schemathesis.openapi.from_dict(document(ROUTES))
    loop, found, asked = asyncio.get_running_loop(), [], 0
    async with serving(database, TRUSTED_PROXIES="127.0.0.1") as running:

        def visit_all() -> None:
            nonlocal asked
            with requests.Session() as http:
                for operation in list(schema.get_all_operations())[part::PARTS]:
                    visit = Visit(running, loop, operation.ok(), http)
                    work(visit)
                    asked += visit.asked
                    found.extend(visit.found)

        await asyncio.to_thread(visit_all)
    assert not found, "\n\n".join(found[:40])
    return asked


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_answer_is_one_that_the_document_promises(database: str, part: int) -> None:
    def work(visit: Visit) -> None:
        for mode in GenerationMode:
            at_random(visit, mode, FEW, SEED)
        visit.anonymous = True
        at_random(visit, GenerationMode.POSITIVE, 1, SEED)

    assert await visited(database, part, work) > 100


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
async def test_every_boundary_of_every_schema_and_much_at_random(database: str, part: int) -> None:
    number = secrets.randbelow(2**32)

    def work(visit: Visit) -> None:
        at_boundaries(visit)
        for mode in GenerationMode:
            at_random(visit, mode, MANY, number)

    print(f"\npart {part}: seed {number}", flush=True)
    print(f"part {part}: {await visited(database, part, work)} requests", flush=True)
