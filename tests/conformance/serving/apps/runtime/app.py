"""Shows what a container of the platform gets: Knative's runtime contract, seen from inside."""

import json
import os
import select
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

STARTED = time.time()
lock = threading.Lock()
running = peak = 0

FILES = (
    "/dev/full /dev/null /dev/ptmx /dev/random /dev/stdin /dev/stdout /dev/stderr /dev/tty /dev/urandom /dev/zero /dev/fd "
    "/proc/self/fd /tmp /etc/hosts /etc/resolv.conf /etc/hostname"
).split()


def stdin_ended():
    ready, _, _ = select.select([sys.stdin], [], [], 1)
    return bool(ready) and sys.stdin.read() == ""


STDIN_ENDED = stdin_ended()


def writable(folder):
    path = os.path.join(folder, f"conformance-{os.getpid()}")
    try:
        with open(path, "w") as file:
            file.write("x")
        os.remove(path)
    except OSError as error:
        return str(error)
    return "yes"


def seen():
    return {
        "env": dict(os.environ),
        "args": sys.argv[1:],
        "cwd": os.getcwd(),
        "uid": os.getuid(),
        "hostname": socket.gethostname(),
        "files": {name: os.path.exists(name) for name in FILES},
        "tmp": writable(os.environ.get("TMPDIR", "/tmp")),
        "stdin_ended": STDIN_ENDED,
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        global running, peak
        url = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        with lock:
            running += 1
            peak = max(peak, running)
        try:
            self.route(url.path, query)
        finally:
            with lock:
                running -= 1

    def route(self, path, query):
        if path == "/seen":
            self.answer({**seen(), "headers": [list(pair) for pair in self.headers.items()]})
        elif path == "/health":
            late = float(os.environ.get("HEALTHY_AFTER_S", "0"))
            healthy = time.time() - STARTED >= late
            self.answer({"healthy": healthy}, 200 if healthy else 503)
        elif path == "/sleep":
            if first := float(query.get("first_ms", "0")):
                time.sleep(first / 1000)
            if query.get("early"):
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"5\r\nfirst\r\n")
                self.wfile.flush()
                time.sleep(float(query["ms"]) / 1000)
                self.wfile.write(b"4\r\nlast\r\n0\r\n\r\n")
                return
            time.sleep(float(query.get("ms", "0")) / 1000)
            self.answer({"peak": peak})
        elif path == "/file":
            with open(query["path"]) as file:
                self.answer({"content": file.read()})
        elif path == "/exit":
            os._exit(int(query["code"]))
        elif path == "/print":
            for stream, text in ((sys.stdout, query["text"]), (sys.stderr, query["text"] + "-err")):
                stream.write(text + "\n")
                stream.flush()
            self.answer({})
        else:
            self.answer({"text": os.environ.get("TEXT", "hello"), "peak": peak})

    def answer(self, content, status=200):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


if __name__ == "__main__":
    if code := os.environ.get("EXIT"):
        sys.stderr.write("conformance: told to end\n")
        sys.exit(int(code))
    time.sleep(float(os.environ.get("BOOT_S", "0")))
    Server(("", int(os.environ["PORT"])), Handler).serve_forever()
