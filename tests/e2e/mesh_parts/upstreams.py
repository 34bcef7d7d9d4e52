"""Stub upstreams in the form of OpenAI's API, one for each model: they note what they are sent, say who
they are, and stream slowly where that is asked for."""

import http.server
import json
import ssl
import threading
import time

EVENTS = 3
EVENT_GAP_SECONDS = 0.2


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        if "chunked" in self.headers.get("transfer-encoding", ""):
            body = self._read_chunks()
        else:
            body = self.rfile.read(int(self.headers["content-length"]))
        self.server.upstream.hits.append((dict(self.headers.items()), body))
        if b'"stream": true' in body:
            self._stream()
        else:
            answer = json.dumps({"served_by": self.server.upstream.name}).encode()
            head = (f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                    f"content-length: {len(answer)}\r\n\r\n")
            self.wfile.write(head.encode() + answer)

    def _read_chunks(self):
        body = b""
        while length := int(self.rfile.readline(), 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _stream(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                         b"transfer-encoding: chunked\r\n\r\n")
        for number in range(EVENTS):
            if number:
                time.sleep(EVENT_GAP_SECONDS)
            event = f'data: {{"served_by": "{self.server.upstream.name}"}}\n\n'.encode()
            self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        """Says nothing."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Upstream:
    """`hits`: headers and body of every request, in order. With a certificate it speaks TLS."""

    def __init__(self, name, certificate_files=None):
        self.name = name
        self.hits = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.upstream = self
        if certificate_files:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate_files)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
