"""A subscriber that appends each event it accepts to a file, and misbehaves as its environment says."""

import json
import os
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OUT = os.environ["OUT"]
MODE = os.environ.get("MODE", "ok")
SWITCH = os.environ.get("SWITCH", "")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mode = MODE
        if SWITCH and os.path.exists(SWITCH):
            mode = "ok"
        if mode == "hang":
            time.sleep(3600)
        if mode == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        if mode == "garbage":
            self.wfile.write(b"\x00\x01 this is not HTTP\r\n\r\n")
            self.close_connection = True
            return
        if mode == "huge":
            self.send_response(200)
            self.send_header("Content-Length", str(100 * 1024 * 1024))
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"x" * 1024 * 1024)
            return
        if mode.isdigit():
            self.send_response(int(mode))
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"denied")
            return
        line = json.dumps(
            {
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "body": body.decode("latin-1"),
            }
        )
        fd = os.open(OUT, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, line.encode() + b"\n")
        os.close(fd)
        if mode == "reply":
            reply = b'{"ok":true}'
            self.send_response(200)
            for name, value in {
                "ce-specversion": "1.0",
                "ce-type": "reply." + self.headers["ce-type"],
                "ce-source": "/sink",
                "ce-id": "r-" + self.headers["ce-id"],
                "Content-Type": "application/json",
                "Content-Length": str(len(reply)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply)
            return
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


if __name__ == "__main__":
    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
