"""An app that does what its path says; the tests' counterpart on the other side of the gateway."""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BOOT_S = float(os.environ.get("BOOT_S", "0"))
running = 0
peak = 0
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, content_type="text/plain"):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        global running, peak
        url = urlsplit(self.path)
        query = {k: v[-1] for k, v in parse_qs(url.query).items()}
        with lock:
            running += 1
            peak = max(peak, running)
        try:
            if url.path == "/sleep":
                time.sleep(float(query.get("ms", "100")) / 1000)
            if url.path == "/exit":
                os._exit(int(query.get("code", "1")))
            if url.path == "/upgrade":
                self.tunnel()
            elif url.path == "/env":
                self.answer(200, json.dumps(dict(os.environ)), "application/json")
            elif url.path == "/headers":
                self.answer(
                    200, json.dumps([list(h) for h in self.headers.items()]), "application/json"
                )
            elif url.path == "/peak":
                self.answer(200, str(peak))
            elif url.path == "/running":
                self.answer(200, str(running))
            elif url.path == "/print":
                print(query.get("text", "printed"), flush=True)
                self.answer(200, "printed")
            elif url.path == "/status":
                self.answer(int(query["code"]), "as told")
            else:
                self.answer(200, f"Hello {os.environ.get('TARGET', 'World')}!\n")
        finally:
            with lock:
                running -= 1

    def tunnel(self):
        """Grants the Upgrade and echoes bytes until the client ends."""
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", self.headers["Upgrade"])
        self.end_headers()
        self.close_connection = True
        while data := self.rfile.read1(65536):
            self.wfile.write(data)

    def do_POST(self):
        self.answer(200, self.body(), self.headers.get("Content-Type") or "text/plain")

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


if __name__ == "__main__":
    mode = os.environ.get("MODE", "")
    if mode == "exit":
        print("cannot start: no settings", file=sys.stderr, flush=True)
        sys.exit(int(os.environ.get("CODE", "3")))
    if mode == "deaf":
        signal.pause()
    time.sleep(BOOT_S)
    server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
    signal.signal(signal.SIGTERM, lambda *a: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
