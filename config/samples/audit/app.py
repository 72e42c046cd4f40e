"""Writes down every CloudEvent it gets, one JSON line each: `tanebi logs audit` shows them. AUDIT_FILE names a file to write to
as well, before the event is acknowledged.

Events whose type is in FAIL_TYPES are refused with 500, so that the broker retries and then sends them to the dead letter sink.
That is this program too, at the path /dead, where nothing is refused. Standard library only.
"""

import json
import os
import socketserver

AUDIT_FILE = os.environ.get("AUDIT_FILE")
FAIL_TYPES = set(os.environ.get("FAIL_TYPES", "").split(","))


class Audit(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        while line := self.rfile.readline(65536):
            path = line.split(b" ")[1].decode()
            headers = {}
            while header := self.rfile.readline(65536).strip():
                name, _, value = header.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get("content-length", "0")))
            dead = path.startswith("/dead")
            fails = not dead and headers.get("ce-type") in FAIL_TYPES
            self.write(headers, body, "dead letter" if dead else "refused" if fails else "event")
            status = "500 Internal Server Error" if fails else "202 Accepted"
            self.wfile.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())

    def write(self, headers, body, what):
        event = {name[3:]: value for name, value in headers.items() if name.startswith("ce-")}
        event["data"] = body.decode("utf-8", "replace")
        line = json.dumps({what: event})
        print(line, flush=True)
        if AUDIT_FILE:
            with open(AUDIT_FILE, "a") as file:
                file.write(line + "\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with Server(("", int(os.environ.get("PORT", "8080"))), Audit) as server:
        server.serve_forever()
