"""What the API is compared with: an aiohttp handler that has the bytes already. Run by bench/serving.py."""

import asyncio
import json
import sys
from pathlib import Path

import uvloop
from aiohttp import web


def main(file: str) -> None:
    """Serve each body of a JSON file, path -> body, at its path; print the port."""
    bodies = {path: body.encode() for path, body in json.loads(Path(file).read_text()).items()}

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=bodies[request.path], content_type="application/json")

    application = web.Application()
    application.router.add_route("*", "/{name}", answer)

    async def serve() -> None:
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    uvloop.run(serve())


if __name__ == "__main__":
    main(sys.argv[1])
