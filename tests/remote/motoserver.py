"""Moto's S3 server, one request at a time: `python motoserver.py PORT`.

Moto looks whether a name is taken and writes it in two steps without a lock. Two threads of its own server can both be
told that they created it; S3 never does that. Guarantees: requests are answered as if one after another. A body is
read before the lock is taken, so a client that stalls holds up nobody.
"""

import io
import sys
import threading
from collections.abc import Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple


class OneAtATime:
    """A WSGI application that answers one request after another."""

    def __init__(self) -> None:
        self._application: Any = DomainDispatcherApplication(create_backend_app)
        self._application.debug = True
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        with self._lock:
            return list(self._application(environ, start_response))


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), OneAtATime(), threaded=True, request_handler=MotoRequestHandler)
