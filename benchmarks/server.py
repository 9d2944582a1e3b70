"""Serve the service as it is shipped, with constant handlers added: `python -m benchmarks.server --port N`."""

from pathlib import Path

import rich_click as click
import uvloop
from dependency_injector import providers

from benchmarks.constants import constant_controller
from benchmarks.processes import HOST
from leads_adapters.http.request_middleware import Message, Receive, Send
from leads_app.cli import session
from leads_app.cli.serve import serve_here
from leads_app.factories import CONTROLLERS

LEAD_FILE = "lead.json"
PAGE_FILE = "page.json"


@click.command()
@click.option("--port", required=True, type=int)
@click.option("--bare", is_flag=True, help="Serve a bare ASGI function instead of the service.")
def main(port: int, bare: bool) -> None:
    """Serve until interrupted. Two files in the working directory contain the constants."""
    container = session.open_container()
    if bare:
        container.app.override(providers.Object(bare_app))
    else:
        constants = constant_controller(Path(LEAD_FILE), Path(PAGE_FILE))
        _, *others = container.api.args
        container.api.set_args(providers.Object([*CONTROLLERS, constants]), *others)
    uvloop.run(serve_here(container, HOST, port))


_BODY = b'{"status":"ok"}'
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())],
}


async def bare_app(scope: Message, _: Receive, send: Send) -> None:
    """Send a constant response, without a framework."""
    if scope["type"] == "http":
        await send(_START)
        await send({"type": "http.response.body", "body": _BODY, "more_body": False})


if __name__ == "__main__":
    main()
