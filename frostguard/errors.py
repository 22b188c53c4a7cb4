"""Every error of ours, split by what the catcher does next: correct a setting, retry, refuse, dead-letter."""


class FrostGuardError(Exception):
    """The root: whatever FrostGuard raises on purpose."""


class UsageError(FrostGuardError):
    """The operator must change a setting, an argument or the machine. The message says what, in one line."""


class StoreUnavailableError(FrostGuardError):
    """PostgreSQL cannot answer now (down, restarting, full, locked). Keep the work and retry."""


class RowRefusedError(FrostGuardError):
    """PostgreSQL refuses the data itself. Retrying changes nothing: find the row by halves and dead-letter it."""


class ConflictError(FrostGuardError):
    """A row with the same key is there already."""


class MissingPartitionError(FrostGuardError):
    """No partition takes the row's time. Create it and retry."""


class ArchiveUnavailableError(FrostGuardError):
    """The archive's storage cannot answer now. Nothing is removed; retry."""


class ArchiveDamagedError(FrostGuardError):
    """A file of the archive is missing, or is not what was put there. Nothing is removed; a person must look."""


class LockLostError(FrostGuardError):
    """Another daemon holds the shard. Stop writing at once."""


class PacketError(FrostGuardError):
    """A message that cannot be used: it goes to the dead letters with this reason.

    `reason` is a stable snake_case word (a metric label), `detail` one sentence for people.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class TopicError(PacketError):
    """A topic outside the grammar."""
