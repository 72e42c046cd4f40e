"""Accepts orders: receives a CloudEvent `order.created` and answers with a CloudEvent `order.accepted`.

The reply goes back into the broker, and whoever has a trigger on `order.accepted` gets it. Standard library only.
"""

import json
import os
import socketserver


def accept(headers, body):
    """The reply to one event: its headers and its data."""
    try:
        order = json.loads(body or b"{}")
    except ValueError:
        return None
    number = headers.get("ce-id", "")
    print(json.dumps({"accepted": order, "event": number}), flush=True)
    return {
        "ce-specversion": "1.0",
        "ce-id": f"accepted-{number}",
        "ce-type": "order.accepted",
        "ce-source": "/order",
        "ce-subject": headers.get("ce-subject", ""),
        "content-type": "application/json",
    }, json.dumps({"order": order, "status": "accepted"}).encode()


class Order(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        while self.rfile.readline(65536):
            headers = {}
            while line := self.rfile.readline(65536).strip():
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get("content-length", "0")))
            self.answer(accept(headers, body) if headers.get("ce-type") == "order.created" else ({}, b""))

    def answer(self, reply):
        status = "200 OK" if reply else "400 Bad Request"
        headers, body = reply or ({}, b"the data is no JSON\n")
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with Server(("", int(os.environ.get("PORT", "8080"))), Order) as server:
        server.serve_forever()
