"""A folder and a bucket do the same, and say in one line what is wrong."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from frostguard import blobs
from frostguard.archive import files
from frostguard.blobs import Blobs, Stored
from frostguard.config import ArchiveSettings
from frostguard.errors import ArchiveDamagedError, ArchiveUnavailableError, UsageError
from frostguard.local.ports import free_port
from tests.s3_server import PASSWORD, make_bucket, s3_server


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as url:
        yield url


def bucket(url: str, name: str | None = None) -> ArchiveSettings:
    settings = ArchiveSettings(
        endpoint=url, bucket=name or f"b-{uuid4().hex[:12]}", access_key="key", secret_key=PASSWORD
    )
    if name is None:
        make_bucket(url, settings.bucket or "")
    return settings


@pytest.fixture(params=["folder", "s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Blobs]:
    if request.param == "folder":
        settings = ArchiveSettings(folder=tmp_path / "archive")
    else:
        settings = bucket(request.getfixturevalue("s3"))
    async with blobs.opened(settings) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 1000)
    return path


async def test_what_is_put_is_there_until_it_is_deleted(store: Blobs, file: Path, tmp_path: Path) -> None:
    assert await store.size("readings/a/1.parquet") is None
    await store.put("readings/a/1.parquet", file)
    await store.put("readings/a/1.parquet", file)
    await store.put("readings/b/2.parquet", file)
    assert await store.size("readings/a/1.parquet") == 256_000
    assert await store.read("readings/a/1.parquet", 250, 260) == bytes([*range(250, 256), 0, 1, 2, 3])
    await store.fetch("readings/a/1.parquet", tmp_path / "copy")
    assert files.digest_of(tmp_path / "copy") == files.digest_of(file)
    found = [each async for each in store.list("readings/")]
    assert found == [Stored("readings/a/1.parquet", 256_000), Stored("readings/b/2.parquet", 256_000)]
    assert [each.key async for each in store.list("readings/b/")] == ["readings/b/2.parquet"]
    for _ in range(2):
        await store.delete("readings/a/1.parquet")
    assert [each.key async for each in store.list("readings/")] == ["readings/b/2.parquet"]


async def test_a_large_file_goes_too(store: Blobs, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 80_000)
    await store.put("large", path)
    assert await store.size("large") == path.stat().st_size
    assert await store.read("large", 20_000_000, 20_000_003) == path.read_bytes()[20_000_000:20_000_003]


async def test_what_is_not_there_is_damage(store: Blobs, tmp_path: Path) -> None:
    with pytest.raises(ArchiveDamagedError, match="not there"):
        await store.read("nothing", 0, 10)
    with pytest.raises(ArchiveDamagedError, match="not there"):
        await store.fetch("nothing", tmp_path / "copy")
    assert [each async for each in store.list("nothing/")] == []


async def test_a_key_stays_inside_the_folder(tmp_path: Path, file: Path) -> None:
    async with blobs.opened(ArchiveSettings(folder=tmp_path / "archive")) as store:
        for key in ("../outside", "/etc/passwd", "a/../../outside"):
            with pytest.raises(ArchiveDamagedError, match="not a key"):
                await store.put(key, file)


async def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path, file: Path) -> None:
    (tmp_path / "archive").write_text("a file in the way")
    async with blobs.opened(ArchiveSettings(folder=tmp_path / "archive")) as store:
        with pytest.raises(ArchiveUnavailableError, match="folder"):
            await store.put("a", file)


async def test_without_a_place_there_is_no_archive() -> None:
    with pytest.raises(UsageError, match="ARCHIVE_DIR, or S3_BUCKET"):
        async with blobs.opened(ArchiveSettings()):
            pass


async def test_a_server_that_is_away_is_to_be_tried_again(file: Path) -> None:
    async with blobs.opened(bucket(f"http://127.0.0.1:{free_port()}", "b")) as store:
        with pytest.raises(ArchiveUnavailableError, match="bucket b"):
            await store.size("a")


async def test_a_wrong_bucket_is_a_setting_to_correct(s3: str, file: Path) -> None:
    async with blobs.opened(bucket(s3, "not-there")) as store:
        with pytest.raises(UsageError, match="NoSuchBucket"):
            await store.read("a", 0, 1)
        assert PASSWORD not in repr(vars(store)) + store.name


def test_the_secret_is_not_shown() -> None:
    assert PASSWORD not in repr(bucket("http://127.0.0.1:1", "b"))
