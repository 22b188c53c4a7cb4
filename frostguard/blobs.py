"""Files by key, in a folder or in a bucket of an S3: whole or not at all, and never changed once they are there.

Raises ArchiveUnavailableError where the storage cannot answer now, ArchiveDamagedError where a key is not there.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from frostguard.config import ArchiveSettings
from frostguard.errors import ArchiveDamagedError, ArchiveUnavailableError, UsageError

PIECE = 1 << 20
GONE = frozenset({"404", "NoSuchKey", "NotFound"})
# What no repetition mends: a wrong name, a wrong key, no permission.
REFUSED = frozenset(
    {"NoSuchBucket", "AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidBucketName"}
)


class Stored(NamedTuple):
    """One file: its key and its size in bytes."""

    key: str
    size: int


class Blobs(Protocol):
    """Where files are. `name` says where, without secrets."""

    name: str

    async def put(self, key: str, path: Path) -> None:
        """Store a file. What was there under this key is replaced."""

    async def fetch(self, key: str, path: Path) -> None:
        """Write a file to `path`."""

    async def read(self, key: str, first: int, end: int) -> bytes:
        """Return the bytes [first, end) of a file."""

    async def size(self, key: str) -> int | None:
        """Return how long a file is; None: there is none."""

    async def delete(self, key: str) -> None:
        """Remove a file; harmless where there is none."""

    def list(self, prefix: str) -> AsyncIterator[Stored]:
        """Yield the files whose keys begin so."""


class FolderBlobs:
    """A folder; a key is a path below it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.name = f"folder {folder}"

    def _path(self, key: str) -> Path:
        path = (self._folder / key).resolve()
        if not path.is_relative_to(self._folder):
            raise ArchiveDamagedError(f"not a key: {key!r}")
        return path

    async def put(self, key: str, path: Path) -> None:
        """Copy beside the place, flush to disk, and move there."""
        await asyncio.to_thread(self._put, self._path(key), path)

    def _put(self, target: Path, path: Path) -> None:
        with _folder_errors(self.name):
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.partial")
            shutil.copyfile(path, partial)
            _flush(partial)
            partial.replace(target)
            _flush(target.parent)

    async def fetch(self, key: str, path: Path) -> None:
        """Copy to `path`."""
        with _folder_errors(self.name):
            await asyncio.to_thread(shutil.copyfile, self._path(key), path)

    async def read(self, key: str, first: int, end: int) -> bytes:
        """Return the bytes [first, end)."""
        return await asyncio.to_thread(self._read, self._path(key), first, end)

    def _read(self, path: Path, first: int, end: int) -> bytes:
        with _folder_errors(self.name), path.open("rb") as file:
            file.seek(first)
            return file.read(end - first)

    async def size(self, key: str) -> int | None:
        """Return the length; None: not there."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            return None

    async def delete(self, key: str) -> None:
        """Remove it, and the folders that are empty then."""
        path = self._path(key)
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty, or another process made one there
            while path.parent != self._folder:
                path = path.parent
                path.rmdir()

    async def list(self, prefix: str) -> AsyncIterator[Stored]:
        """Yield what lies below."""
        start = self._path(prefix)
        for path in sorted(start.rglob("*")) if start.is_dir() else []:
            if path.is_file() and not path.name.endswith(".partial"):
                yield Stored(str(path.relative_to(self._folder)), path.stat().st_size)


@contextmanager
def _folder_errors(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ArchiveDamagedError(f"{name}: not there: {error.filename}") from None
    except OSError as error:
        raise ArchiveUnavailableError(f"{name}: {error.strerror}") from None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class S3Blobs:
    """A bucket; a key gets the prefix in front."""

    def __init__(self, client: Any, settings: ArchiveSettings) -> None:  # noqa: ANN401 - made from a description at run time
        self._client = client
        self._bucket = settings.bucket
        self._prefix = settings.prefix
        self.name = f"bucket {settings.bucket}"

    def _place(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}/{key}"}

    async def put(self, key: str, path: Path) -> None:
        """Upload in one request: it is there when all of it is."""
        with _s3_errors(self.name, key), path.open("rb") as file:
            await self._client.put_object(Body=file, **self._place(key))

    async def fetch(self, key: str, path: Path) -> None:
        """Download."""
        with _s3_errors(self.name, key):
            answer = await self._client.get_object(**self._place(key))
            async with answer["Body"]:
                with path.open("wb") as file:
                    while piece := await answer["Body"].read(PIECE):
                        file.write(piece)

    async def read(self, key: str, first: int, end: int) -> bytes:
        """Return the bytes [first, end)."""
        with _s3_errors(self.name, key):
            answer = await self._client.get_object(**self._place(key), Range=f"bytes={first}-{end - 1}")
            async with answer["Body"]:
                found: bytes = await answer["Body"].read()
        return found

    async def size(self, key: str) -> int | None:
        """Return the length; None: not there."""
        try:
            with _s3_errors(self.name, key):
                found: int = (await self._client.head_object(**self._place(key)))["ContentLength"]
        except ArchiveDamagedError:
            return None
        return found

    async def delete(self, key: str) -> None:
        """Remove it."""
        with _s3_errors(self.name, key):
            await self._client.delete_object(**self._place(key))

    async def list(self, prefix: str) -> AsyncIterator[Stored]:
        """Yield what lies below."""
        pages = self._client.get_paginator("list_objects_v2")
        with _s3_errors(self.name, prefix):
            async for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}/{prefix}"):
                for found in page.get("Contents", ()):
                    yield Stored(found["Key"].removeprefix(f"{self._prefix}/"), found["Size"])


@contextmanager
def _s3_errors(name: str, key: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see `opened`

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "?"))
        if code in GONE:
            raise ArchiveDamagedError(f"{name}: not there: {key}") from None
        if code in REFUSED:
            raise UsageError(f"{name}: {code} (see S3_BUCKET, S3_ACCESS_KEY, S3_SECRET_KEY)") from None
        raise ArchiveUnavailableError(f"{name}: {code}: {error}") from None
    except (BotoCoreError, OSError, TimeoutError) as error:
        raise ArchiveUnavailableError(f"{name}: {type(error).__name__}: {error}") from None


@asynccontextmanager
async def opened(settings: ArchiveSettings) -> AsyncIterator[Blobs]:
    """Open the archive's storage. Raises UsageError where none is configured."""
    if settings.folder is not None:
        yield FolderBlobs(settings.folder)
        return
    if settings.bucket is None:
        raise UsageError("there is no archive: set ARCHIVE_DIR, or S3_BUCKET")
    # Half a second and 30 MB that only who uses an S3 should pay.
    import aioboto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    key, secret = settings.access_key, settings.secret_key
    config = Config(
        connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 3},
        # Servers other than Amazon's know buckets by path, and not the newest checksums.
        s3={"addressing_style": "path" if settings.endpoint else "auto"},
        request_checksum_calculation="when_required", response_checksum_validation="when_required",
    )  # fmt: skip
    async with aioboto3.Session().client(
        "s3", endpoint_url=settings.endpoint, region_name=settings.region, config=config,
        aws_access_key_id=key.get_secret_value() if key else None,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
    ) as client:  # fmt: skip
        yield S3Blobs(client, settings)
