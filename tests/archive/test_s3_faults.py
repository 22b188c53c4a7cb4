"""An S3 that is away, slow, refuses, or hears only half: nothing half done is seen, and the next run puts it right."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from frostguard import blobs
from frostguard.config import ArchiveSettings
from frostguard.errors import FrostGuardError
from frostguard.local.ports import free_port
from frostguard.store import archives
from tests.archive.conftest import MONDAY, House
from tests.s3_server import PASSWORD, make_bucket, s3_server
from tests.tcp_proxy import Proxy

HEARD = 4000  # bytes of an upload that arrive before the line is cut: more than its head, less than its file


def settings_of(url: str, bucket: str = "cold") -> ArchiveSettings:
    return ArchiveSettings(endpoint=url, bucket=bucket, access_key="key", secret_key=PASSWORD)


@asynccontextmanager
async def half_deaf(port: int) -> AsyncIterator[str]:
    """A line on which every connection is cut after so many bytes to the server."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind = await asyncio.open_connection("127.0.0.1", port)

        async def back() -> None:
            while data := await behind_reader.read(65_536):
                writer.write(data)

        answering, left = asyncio.create_task(back()), HEARD
        while left > 0 and (data := await reader.read(left)):
            behind.write(data)
            left -= len(data)
        answering.cancel()
        for each in (writer, behind):
            each.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def keys(url: str) -> list[str]:
    async with blobs.opened(settings_of(url)) as store:
        return [each.key async for each in store.list("")]


async def put_right(house: House, url: str) -> int:
    """Archive over a line that works; return how many of the readings are not as they were."""
    async with blobs.opened(settings_of(url)) as store:
        house.blobs = store
        await house.archive()
        assert await house.in_table() == 0
        assert sorted(await keys(url)) == sorted(
            key for row in await archives.all_files(house.connection)
            for key in (row["key"], row["key"].replace(".parquet", ".json"))
        )  # fmt: skip
        read, expected = await house.read(), house.expected()
        return len(set(read) ^ set(expected)) + abs(len(read) - len(expected))


@pytest.mark.case("E8")
@pytest.mark.parametrize("fault", ["away", "no such bucket", "half heard"])
async def test_an_upload_that_fails_leaves_nothing_and_is_done_again(
    house: House, fault: str, case: Callable[..., None]
) -> None:
    await house.store(house.rows(house.unit, MONDAY, 3000))
    with s3_server() as url:
        make_bucket(url, "cold")
        async with half_deaf(urlsplit(url).port or 0) as deaf:
            faulty = {
                "away": settings_of(f"http://127.0.0.1:{free_port()}"),
                "no such bucket": settings_of(url, "warm"),
                "half heard": settings_of(deaf),
            }[fault]
            async with blobs.opened(faulty) as store:
                house.blobs = store
                with pytest.raises(FrostGuardError):
                    await house.archive()
        case(f"{fault}: objects to be seen", len(await keys(url)), equal=0)
        case(f"{fault}: readings gone from the table", 3000 - await house.in_table(), equal=0)
        case(f"{fault}: bad exports after the next run", await put_right(house, url), equal=0)


@pytest.mark.case("E8")
async def test_an_upload_that_is_held_up_goes_on(house: House, case: Callable[..., None]) -> None:
    await house.store(house.rows(house.unit, MONDAY, 3000))
    with s3_server() as url:
        make_bucket(url, "cold")
        with Proxy(urlsplit(url).port or 0) as line:
            line.swallow()
            asyncio.get_running_loop().call_later(2, line.heal)
            case("slow: bad exports", await put_right(house, f"http://127.0.0.1:{line.port}"), equal=0)
