import subprocess
import sys
from pathlib import Path

import frostguard.wire

FOLDER = Path(frostguard.wire.__file__).parent
MODULES = sorted(f"frostguard.wire.{path.stem}" for path in FOLDER.glob("*.py") if path.stem != "__init__")


def test_the_wire_needs_neither_a_loop_nor_a_database_nor_a_log():
    unwanted = "{'asyncio', 'asyncpg', 'logging', 'socket'}"
    code = f"import sys, {', '.join(MODULES)}; print(*sorted({unwanted} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER.parents[1]
    )
    assert done.stdout.strip() == ""
