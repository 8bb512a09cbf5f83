"""A package index on loopback, which takes what is uploaded to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from werkzeug import Request, Response
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class PackageIndex:
    """By the upload protocol of the package index of Python: a form for each file, signed by a token."""

    token = "pypi-of-a-test"

    def __init__(self) -> None:
        """Take a port; nothing was uploaded yet."""
        self.files: dict[str, bytes] = {}
        self._server = make_server("127.0.0.1", 0, Request.application(self._take), threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}/legacy/"

    def __enter__(self) -> Self:
        """Serve."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, request: Request) -> Response:
        who = request.authorization
        if who is None or (who.username, who.password) != ("__token__", self.token):
            return Response("whose upload is this?", 403)
        if request.form.get(":action") != "file_upload":
            return Response("only uploads", 400)
        file = request.files["content"]
        self.files[str(file.filename)] = file.read()
        return Response("taken")
