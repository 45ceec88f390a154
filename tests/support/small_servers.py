"""A mail server and a web server of some lines each, for tests of what is sent."""

from __future__ import annotations

import http.server
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ACCEPTED = 202


class _MailHandler(socketserver.StreamRequestHandler):
    """SMTP as RFC 5321 has it, as far as one mail needs it."""

    server: MailServer

    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            command = line.split(" ")[0].upper()
            if command == "DATA":
                self._say("354 go on")
                body = []
                while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    body.append(text)
                self.server.mails.append("\n".join(body))
            elif command in ("MAIL", "RCPT"):
                self.server.envelopes.append(line)
            self._say("221 end" if command == "QUIT" else "250 ok")
            if command == "QUIT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """Takes every mail; `mails` are their texts with headers."""

    daemon_threads = True

    def __init__(self, handler: type[socketserver.StreamRequestHandler] = _MailHandler) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.mails: list[str] = []
        self.envelopes: list[str] = []


class _PostHandler(http.server.BaseHTTPRequestHandler):
    server: PostServer

    def do_POST(self) -> None:
        self.server.posts.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class PostServer(http.server.ThreadingHTTPServer):
    """Takes every POST; `posts` are their paths and bodies, `status` is what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _PostHandler)
        self.posts: list[tuple[str, bytes]] = []
        self.status = ACCEPTED


@contextmanager
def running(server: MailServer | PostServer) -> Iterator[str]:
    """Serve in a thread; yields host and port."""
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
