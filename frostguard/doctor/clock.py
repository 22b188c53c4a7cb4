"""Whether something keeps this machine's clock: readings without a time of their own are stamped with it."""

import ctypes
from collections.abc import Callable

from frostguard.doctor.finding import Found, ok, warn

TIMEX_BYTES = 512  # more than any struct timex has
UNKEPT = 5  # TIME_ERROR of <sys/timex.h>: nobody has set the clock for a while


def kernel() -> int | None:
    """Return the kernel's word for the state of its clock; None where there is none to ask. Changes nothing."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        state: int = library.ntp_adjtime(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state


async def kept(ask: Callable[[], int | None] = kernel) -> Found:
    """Tell whether a time service keeps the clock."""
    state = ask()
    if state is None:
        return ok("nothing here says whether the clock is kept")
    if state == UNKEPT:
        return warn(
            "nothing keeps this machine's clock", "timedatectl set-ntp true, or chrony; in a container: its host"
        )
    return ok("the clock is kept by a time service")
