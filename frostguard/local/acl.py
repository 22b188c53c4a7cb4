"""The rules of mosquitto.acl for the embedded broker, which knows users but no rules of its own."""

from dataclasses import dataclass
from pathlib import Path

from frostguard.errors import UsageError

READS, WRITES = ("read", "readwrite"), ("write", "readwrite")


@dataclass(frozen=True)
class Rule:
    """One line: `user` None is a pattern, which goes for everybody with %u replaced."""

    user: str | None
    access: str
    topic: str


@dataclass(frozen=True)
class Acl:
    """What the file allows; everything else is refused."""

    rules: tuple[Rule, ...]

    def may_write(self, user: str, topic: str) -> bool:
        """Tell whether the user may publish to the topic (no wildcards in it)."""
        return self._allows(user, topic, WRITES)

    def may_read(self, user: str, topic_filter: str) -> bool:
        """Tell whether everything that the filter could match is the user's to hear.

        Stricter than Mosquitto, which grants any subscription and leaves out what is not allowed at delivery.
        """
        return self._allows(user, topic_filter, READS)

    def _allows(self, user: str, topic: str, access: tuple[str, ...]) -> bool:
        if any(c in user for c in "+#/"):
            return False
        return any(
            rule.access in access
            and rule.user in (None, user)
            and covers(rule.topic.replace("%u", user) if rule.user is None else rule.topic, topic)
            for rule in self.rules
        )


def covers(allowed: str, asked: str) -> bool:
    """Tell whether every topic that `asked` (a topic or a filter) can match is matched by the filter `allowed`."""
    have, want = allowed.split("/"), asked.split("/")
    for index, level in enumerate(have):
        if level == "#":
            return not (index == 0 and want[0].startswith("$"))
        if index >= len(want) or want[index] == "#":
            return False
        if level not in ("+", want[index]):
            return False
    return len(have) == len(want)


def read_acl(path: Path) -> Acl:
    """Read the file. Raises UsageError with the line that is not understood."""
    rules: list[Rule] = []
    user: str | None = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        match words:
            case ["user", name]:
                user = name
            case ["topic", ("read" | "write" | "readwrite") as access, topic] if user:
                rules.append(Rule(user, access, topic))
            case ["pattern", ("read" | "write" | "readwrite") as access, topic]:
                rules.append(Rule(None, access, topic))
            case _:
                raise UsageError(f"{path}, line {number}: not understood: {line.strip()}")
    return Acl(tuple(rules))
