"""A program of ours in which one task fails when a file appears; on SIGUSR1 it says what its tasks are."""

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

NAME, TRIGGER, CENSUS = os.environ["DOOMED"], Path(os.environ["TRIGGER"]), Path(os.environ["CENSUS"])
_create, _create_in_group = asyncio.create_task, asyncio.TaskGroup.create_task


async def _doomed(work: Coroutine[Any, Any, Any]) -> Any:
    inner = _create(work, name="doomed")
    while not TRIGGER.exists():  # noqa: ASYNC240 - a look at a file that another process makes
        if inner.done():
            return await inner
        await asyncio.sleep(0.02)
    inner.cancel()
    raise RuntimeError("injected")


def _created(work: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
    return _create(_doomed(work) if name == NAME else work, name=name, context=context)


def _created_in_group(self: Any, work: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
    return _create_in_group(self, _doomed(work) if name == NAME else work, name=name, context=context)


def _count() -> None:
    names = {task.get_name() for task in asyncio.all_tasks()}
    fresh = CENSUS.with_suffix(".new")
    fresh.write_text("\n".join(sorted(name for name in names if not name.startswith("Task-"))))
    fresh.rename(CENSUS)


asyncio.create_task = _created  # type: ignore[assignment]
asyncio.TaskGroup.create_task = _created_in_group  # type: ignore[method-assign,assignment]
program = importlib.import_module(f"{os.environ['PROGRAM']}.__main__")
_serve = program.serve


async def _serve_and_count(settings: Any) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _count)
    await _serve(settings)


program.serve = _serve_and_count
sys.argv = sys.argv[:1]
sys.exit(program.main())
