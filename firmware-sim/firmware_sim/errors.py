"""What goes wrong before a run begins."""


class UsageError(Exception):
    """An option, a file or a URL must be changed. The message says what, in one line."""
