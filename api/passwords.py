"""bcrypt off the event loop: two threads, a short queue, and beyond it an honest 503.

Five to ten logins a second are the designed ceiling. A flood of them waits here and nowhere else: bcrypt releases the
GIL, and the loop goes on serving.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from api import problems
from frostguard import security

THREADS = 2
MAX_PENDING = 20
T = TypeVar("T")


class Passwords:
    """Hashes and verifies. `cost` is bcrypt's; only tests lower it."""

    def __init__(self, cost: int = security.COST) -> None:
        self.cost = cost
        self.pending = 0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt")

    async def hash(self, password: str) -> str:
        """Return the bcrypt hash. Raises a 503 Problem when too many wait."""
        return await self._run(lambda: security.hash_password(password, self.cost))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether the password is right; a miss costs the same time whatever is stored."""
        return await self._run(lambda: security.verify_password(password, stored, self.cost))

    async def _run(self, work: Callable[[], T]) -> T:
        if self.pending >= MAX_PENDING:
            raise problems.busy("Too many logins at once: try again.", self.pending * 0.1)
        self.pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._one_less)
        return await future

    def _one_less(self, _: object) -> None:
        self.pending -= 1

    def close(self) -> None:
        """End the threads; what they compute is thrown away."""
        self._threads.shutdown(wait=True, cancel_futures=True)
