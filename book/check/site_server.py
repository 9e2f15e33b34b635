"""A folder of files as a site on this machine."""

import functools
import http.server
import sys
import threading
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(site: Path):
    """Serve the folder on a free port of this machine; yield the address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            """A browser that leaves a page hangs up in the middle of an answer; no fault of it."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    handler = functools.partial(Quiet, directory=str(site))
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
