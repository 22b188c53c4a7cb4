"""The files of the page: read once, addressed by their content, kept with their compressed form.

Every file but the page itself is served below a version that is the hash of all of them. So a browser may keep it for
ever, and a new release is never mixed with an old one. Only what was read at the start can be asked for.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
DOCUMENT = "index.html"
START = "app.mjs"
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

# No inline script or style, nothing from elsewhere, and no way for a text to become markup (Trusted Types).
_DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
POLICY = "; ".join(_DIRECTIVES)

accepts_gzip = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?:1(?:\.0{0,3})?|0?\.0*[1-9]\d*)\s*)?(?:,|$)").search

imported_names = re.compile(r'^(?:import|\}) [^;]*?"\./([\w.]+)";', re.MULTILINE).findall


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `tag` is its ETag; `packed` the gzip form."""

    body: bytes
    packed: bytes
    tag: str
    content_type: str
    cache: str

    def headers(self, *, compressed: bool) -> dict[str, str]:
        """Return the headers of an answer that carries it."""
        found = {
            "Cache-Control": self.cache,
            "Content-Security-Policy": POLICY,
            "ETag": self.tag,
            "Vary": "Accept-Encoding",
        }
        return {**found, "Content-Encoding": "gzip"} if compressed else found


class Assets:
    """Everything that the page consists of."""

    def __init__(self, folder: Path = FOLDER) -> None:
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in TYPES}
        self.version = _digest(b"".join(name.encode() + b"\0" + body for name, body in files.items()))
        first = _needed_at_first(files, START)
        preloads = "\n".join(f'<link rel="modulepreload" href="/page/{self.version}/{name}">' for name in first)
        text = files.pop(DOCUMENT).decode().replace("@preloads@", preloads).replace("@version@", self.version)
        self.document = _asset(DOCUMENT, text.encode(), ASK_AGAIN)
        self._files = {name: _asset(name, body, FOREVER) for name, body in files.items()}

    @property
    def names(self) -> list[str]:
        """The names below the version."""
        return list(self._files)

    def find(self, version: str, name: str) -> Asset | None:
        """Return a file of this version; None for other names, and for versions that are not served here."""
        return self._files.get(name) if version == self.version else None


def _needed_at_first(files: dict[str, bytes], start: str) -> list[str]:
    """Return the module and all that it imports, so that browsers fetch them together and not one after the other."""
    found, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name in files and name not in found:
            found.add(name)
            waiting += imported_names(files[name].decode())
    return sorted(found)


def _asset(name: str, body: bytes, cache: str) -> Asset:
    packed = gzip.compress(body, 9, mtime=0)
    return Asset(body, packed, f'"{_digest(body)}"', TYPES[Path(name).suffix], cache)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]
