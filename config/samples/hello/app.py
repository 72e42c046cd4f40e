"""Says hello. `GET /?ms=200` takes 200 ms, to make load.

Standard library only. socketserver instead of http.server, because it is imported 60 ms sooner, and a cold start pays for imports.
"""

import os
import socketserver
import time

NAME = os.environ.get("TARGET", "World")
REVISION = os.environ.get("K_REVISION", "no revision")


class Hello(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        while line := self.rfile.readline(65536):
            target = line.split(b" ")[1].decode()
            length = 0
            while header := self.rfile.readline(65536).strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            self.rfile.read(length)
            if "ms=" in target:
                time.sleep(min(int(target.partition("ms=")[2].partition("&")[0]), 10_000) / 1000)
            body = f"Hello {NAME}! ({REVISION})\n".encode()
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


if __name__ == "__main__":
    with Server(("", int(os.environ.get("PORT", "8080"))), Hello) as server:
        server.serve_forever()
