"""Shows what the parts write to their log files, line by line, each with the name of its file."""

from pathlib import Path
from typing import TextIO


class LogFollower:
    """Follows every *.log of a folder from now on; whoever has it calls `show` now and then."""

    def __init__(self, folder: Path, out: TextIO) -> None:
        self._folder = folder
        self._out = out
        self._seen = {path: path.stat().st_size for path in folder.glob("*.log")}
        self._half: dict[Path, bytes] = {}

    def show(self) -> None:
        """Print the lines that are new since the last call."""
        for path in sorted(self._folder.glob("*.log")):
            with path.open("rb") as log:
                log.seek(self._seen.get(path, 0))
                *lines, rest = (self._half.get(path, b"") + log.read()).split(b"\n")
                self._seen[path], self._half[path] = log.tell(), rest
            for line in lines:
                self._out.write(f"{path.stem:<10} | {line.decode(errors='replace')}\n")
        self._out.flush()
