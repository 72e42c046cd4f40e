"""A gRPC app that listens on PORT: /greet/Hello answers a message, /greet/Count a stream, with whom it was reached by."""

import os
from concurrent.futures import ThreadPoolExecutor

import grpc


def hello(message, context):
    metadata = dict(context.invocation_metadata())
    context.set_trailing_metadata((("x-proto", metadata.get("x-forwarded-proto", "?")),))
    return b"Hello " + message + b"!"


def count(message, context):
    return (b"%d" % n for n in range(int(message)))


class App(grpc.GenericRpcHandler):
    def service(self, details):
        return {
            "/greet/Hello": grpc.unary_unary_rpc_method_handler(hello),
            "/greet/Count": grpc.unary_stream_rpc_method_handler(count),
        }.get(details.method)


server = grpc.server(ThreadPoolExecutor(4), (App(),))
server.add_insecure_port(f"0.0.0.0:{os.environ['PORT']}")
server.start()
print("listening", flush=True)
server.wait_for_termination()
