"""The web door: one port for the page, clips, OSCQuery, and OSC over WebSocket.

    server = WebServer("127.0.0.1", 9631, osc, handler, name="Driftwave")
    server.start()          # raises WebPortError
    server.stop()

It runs in its own thread on an event loop; whatever takes time runs on two worker threads, and
OSC packets go to the OSC server's thread, so that no client makes another wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import errno
import http
import ipaddress
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from bridge import address_space as space
from bridge.net_access import AccessList
from bridge.osc import OscServer
from bridge.osc_call import OscPeer
from bridge.oscquery import OscQuery
from bridge.web_files import PageFiles
from bridge.web_guard import check_host, check_origin
from bridge.web_handler import WebHandler
from bridge.web_http import (
    HttpFault,
    HttpRequest,
    HttpResponse,
    common_headers,
    text_response,
)
from bridge.web_site import Site
from bridge.web_socket import SocketClient

__all__ = ["WebPortError", "WebServer"]

_log = logging.getLogger("driftwave.web")

DEFAULT_PORT: Final = 9631
MAX_CONNECTIONS: Final = 128
MAX_SOCKETS: Final = 32
MAX_PACKET_BYTES: Final = 65_536
_WORKERS: Final = 2
_HTTP_TIMEOUT_S: Final = 60.0
"""For a request and its whole answer: a minute of stereo over a slow wireless network."""
_CLOSE_TIMEOUT_S: Final = 1.0
_METHODS: Final = ("GET", "HEAD")


class WebPortError(Exception):
    """The port cannot be opened; the message names it and the flag that changes it."""

    code = "busy"


class WebServer:
    """Listens on `host`:`port` for browsers, OSCQuery clients and WebSockets.

    Args:
        host: IPv4 address to listen on; another than loopback only if `osc.access` lets
            other machines in.
        port: TCP port; 0 takes any free one (`port` then tells which).
        osc: the started OSC server that packets go to.
        handler: the engine's side.
        name: of this server, for OSCQuery clients.
        files: the page.
    """

    def __init__(
        self,
        host: str,
        port: int,
        osc: OscServer,
        handler: WebHandler,
        *,
        name: str = "Driftwave",
        files: PageFiles | None = None,
    ) -> None:
        self.host = "127.0.0.1" if host == "localhost" else host
        self.port = port
        self._osc = osc
        self._access: AccessList = osc.access
        self._handler = handler
        self._name = name
        self._files = files or PageFiles()
        self._workers = ThreadPoolExecutor(_WORKERS, "web worker")
        self._clients: dict[OscPeer, SocketClient] = {}
        self._connections: set[ServerConnection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._site: Site | None = None

    def start(self) -> None:
        """Open the port and begin to answer.

        Raises:
            WebPortError: port in use or not allowed, or a host that is not ours to listen on.
            RuntimeError: started twice.
        """
        if self._thread is not None:
            raise RuntimeError("this WebServer is already started; make another one")
        sock = self._open_socket()
        self.port = int(sock.getsockname()[1])
        query = OscQuery(
            space.METHODS,
            space.REPLIES,
            name=self._name,
            osc_port=self._osc.port,
            web_port=self.port,
            values=self._osc.values,
        )
        self._site = Site(self._handler, query, self._files)
        self._osc.add_route("ws", self._transmit)
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(sock, started), name="web", daemon=True
        )
        self._thread.start()
        started.wait()

    def stop(self) -> None:
        """Close the port and every connection, and wait for the thread."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._stop is None:
            return
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _open_socket(self) -> socket.socket:
        try:
            address = ipaddress.IPv4Address(self.host)
        except ValueError as error:
            raise WebPortError(
                f"web host {self.host!r} is not an IPv4 address; use 127.0.0.1, "
                "or 0.0.0.0 with --lan"
            ) from error
        if not address.is_loopback and not self._access.lan:
            raise WebPortError(
                f"web host {self.host} can be reached from other machines; "
                "add --lan to allow that, or use 127.0.0.1"
            )
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            # The port stays usable while connections of the engine before this one time out.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.host, self.port))
            sock.listen(MAX_CONNECTIONS)
        except (OSError, OverflowError) as error:
            sock.close()
            in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            reason = "is already in use" if in_use else f"cannot be opened ({error})"
            raise WebPortError(
                f"web port {self.port} on {self.host} {reason}; stop the program that holds it "
                "or choose another with --web-port"
            ) from error
        return sock

    def _run(self, sock: socket.socket, started: threading.Event) -> None:
        try:
            asyncio.run(self._serve(sock, started))
        except Exception:
            _log.exception("web thread")
        finally:
            started.set()

    async def _serve(self, sock: socket.socket, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        quiet = logging.getLogger("driftwave.web.protocol")
        quiet.setLevel(logging.CRITICAL)  # it reports every visitor that breaks off
        server: Server = serve(
            self._talk,
            sock=sock,
            process_request=self._answer,
            create_connection=_limited(self),
            compression=None,
            server_header=None,
            open_timeout=_HTTP_TIMEOUT_S,
            close_timeout=_HTTP_TIMEOUT_S,
            max_size=MAX_PACKET_BYTES,
            logger=quiet,
        )
        await server
        started.set()
        await self._stop.wait()
        server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await asyncio.shield(server.wait_closed())
        for connection in tuple(self._connections):
            connection.transport.abort()
        await server.wait_closed()

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """One HTTP request; None goes on to a WebSocket."""
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        host = ""
        try:
            host = check_host(headers)
            check_origin(headers, host)
            if headers.get("upgrade", "").lower() == "websocket":
                if len(self._clients) >= MAX_SOCKETS:
                    raise HttpFault(
                        http.HTTPStatus.SERVICE_UNAVAILABLE,
                        f"{MAX_SOCKETS} WebSockets are open; close another page or controller",
                    )
                return None
            made = await self._make(request, headers)
        except HttpFault as fault:
            made = text_response(fault.status, str(fault))
        return _finished(made, host, head=request.method == "HEAD")

    async def _make(self, request: Request, headers: dict[str, str]) -> HttpResponse:
        if request.method not in _METHODS:
            raise HttpFault(
                http.HTTPStatus.METHOD_NOT_ALLOWED,
                f"{request.method[:20]}: expected GET or HEAD; send OSC to change something",
            )
        try:
            parts = urlsplit(request.path)
            path = unquote(parts.path, errors="strict")
        except ValueError as error:
            raise HttpFault(http.HTTPStatus.BAD_REQUEST, f"path: {error}") from error
        asked = HttpRequest(request.method, path, parts.query, headers)
        assert self._site is not None
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._workers, self._site.answer, asked)
        except HttpFault:
            raise
        except Exception as error:
            _log.exception("%s", path[:60])
            raise HttpFault(
                http.HTTPStatus.INTERNAL_SERVER_ERROR, f"{path[:60]}: {error}"
            ) from error

    async def _talk(self, connection: ServerConnection) -> None:
        """Serve one WebSocket."""
        host, port = connection.remote_address[:2]
        peer = OscPeer(host, port, "ws")
        client = SocketClient(connection, peer, asyncio.get_running_loop())
        self._clients[peer] = client
        try:
            await client.run(self._osc)
        finally:
            del self._clients[peer]

    def _transmit(self, peer: OscPeer, data: bytes) -> bool:
        client = self._clients.get(peer)
        return client is not None and client.post(data)


def _finished(made: HttpResponse, host: str, *, head: bool) -> Response:
    """The answer as the library sends it; the connection is closed after each."""
    status = http.HTTPStatus(made.status)
    length = {} if status == 204 or status == 304 else {"Content-Length": str(len(made.body))}
    headers = Headers(
        {
            "Date": email.utils.formatdate(usegmt=True),
            "Connection": "close",
            "Vary": "Accept",
            **length,
            **common_headers(host),
            **made.headers,
        }
    )
    return Response(status.value, status.phrase, headers, b"" if head else made.body)


def _limited(server: WebServer) -> type[ServerConnection]:
    """Connections of `server`: few enough, and from those that may connect."""

    class LimitedConnection(ServerConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            server._connections.add(self)
            super().connection_made(transport)
            # Without it a second message within 40 ms waits for the first one's acknowledgement.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host = transport.get_extra_info("peername")[0]
            if len(server._connections) > MAX_CONNECTIONS or not server._access.admits(host):
                self.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            server._connections.discard(self)
            super().connection_lost(exc)

    return LimitedConnection
