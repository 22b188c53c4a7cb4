"""What is asked by machines: is it alive, is it ready, how is it doing, what can it do."""

import orjson

from api import openapi, pages
from api.answers import Answer, shown
from api.call import Call
from api.metrics import CONTENT_TYPE
from frostguard.errors import StoreUnavailableError


async def health(call: Call) -> Answer:
    """Say ok where requests can be served: the database answers."""
    await call.program.lanes.ping()
    return shown({"status": "ok"})


async def livez(call: Call) -> Answer:  # noqa: ARG001 - every handler takes a call
    """Say that the process runs. A supervisor restarts what does not answer here, so the database plays no part."""
    return shown({"status": "ok"})


async def readyz(call: Call) -> Answer:
    """Say that requests can be sent here: the database answers, and changes of access arrive."""
    if not call.program.principals.trusted:
        raise StoreUnavailableError("no connection for access changes")
    return await health(call)


async def metrics(call: Call) -> Answer:
    """Show the counters in Prometheus' text format."""
    program, now = call.program, call.program.metrics
    now.passwords_pending.set(program.passwords.pending)
    now.sessions_known.set(program.principals.known)
    now.trusted.set(program.principals.trusted)
    await program.chores.look()
    return Answer(now.exposition(), content_type=CONTENT_TYPE)


async def document(call: Call) -> Answer:
    """Send the OpenAPI document of this program."""
    return Answer(orjson.dumps(openapi.document(call.program.routes)))


async def docs(call: Call) -> Answer:
    """Send the document as a page for people; it needs nothing from elsewhere."""
    headers = {"Content-Security-Policy": pages.POLICY}
    return Answer(pages.page(call.program.routes), headers=headers, content_type="text/html; charset=utf-8")
