"""The page for people: one document and the files that it consists of."""

from api import problems
from api.answers import Answer
from api.assets import Asset, accepts_gzip
from api.call import Call


def _send(call: Call, asset: Asset) -> Answer:
    known = call.request.headers.get("If-None-Match", "")
    if asset.tag in known:
        return Answer(b"", 304, asset.headers(compressed=False), asset.content_type)
    if accepts_gzip(call.request.headers.get("Accept-Encoding", "")):
        return Answer(asset.packed, headers=asset.headers(compressed=True), content_type=asset.content_type)
    return Answer(asset.body, headers=asset.headers(compressed=False), content_type=asset.content_type)


async def document(call: Call) -> Answer:
    """Send the page. It needs nothing from elsewhere; what it shows it asks of this API, as the user who signs in."""
    return _send(call, call.program.assets.document)


async def asset(call: Call) -> Answer:
    """Send a file of the page, to be kept for ever: its address changes with its content."""
    place = call.request.match_info
    found = call.program.assets.find(place["version"], place["file"])
    if found is None:
        raise problems.not_found()
    return _send(call, found)
