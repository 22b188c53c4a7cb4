"""Reads a Dockerfile as far as ours goes: stages, and their instructions with continued lines joined."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import frostguard

ROOT = Path(frostguard.__file__).parent.parent


@dataclass
class Stage:
    """One FROM and what follows it."""

    image: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def of(self, word: str) -> list[str]:
        """The arguments of all instructions of one kind."""
        return [text for instruction, text in self.instructions if instruction == word]


def stages(path: Path = ROOT / "Dockerfile") -> list[Stage]:
    """All stages, in order."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE)
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    found: list[Stage] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append(Stage(image, name))
        else:
            found[-1].instructions.append((word, rest.strip()))
    return found
