"""HTTP/2 by hand, for clients that no library would be: they stall, lie and stop in the middle.

    connection = http2.Connection(server.grpc_port)
    connection.begin_call("/pointsman.v1.RouterService/Route", te="trailers")
    connection.send(http2.data(message, end=False)[:20])  # half a frame, and no more
"""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _header(name, value):
    """A literal that is not indexed, without Huffman coding (RFC 7541, 6.2.2)."""
    assert len(name) < 127 and len(value) < 127
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def grpc_message(serialised):
    return struct.pack(">BI", 0, len(serialised)) + serialised


def data(payload, stream=1, end=True):
    return frame(DATA, END_STREAM if end else 0, stream, payload)


class Connection:
    """One connection; nothing is sent but what is asked for."""

    def __init__(self, port, preface=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._rest = b""
        if preface:
            self.send(PREFACE + frame(SETTINGS, 0, 0, b""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, contents):
        self.socket.sendall(contents)

    def begin_call(self, method, stream=1, **headers):
        """Sends the headers of a gRPC call; names are given with _ for -."""
        block = b"".join(
            _header(name.replace("_", "-"), value)
            for name, value in {
                ":method": "POST",
                ":scheme": "http",
                ":path": method,
                ":authority": "test",
                "content-type": "application/grpc",
                "te": "trailers",
                **headers,
            }.items()
        )
        self.send(frame(HEADERS, END_HEADERS, stream, block))

    def read_frame(self):
        """(kind, flags, stream), or None at the end of the connection."""
        while len(self._rest) < 9 or len(self._rest) < 9 + self._payload_size():
            try:
                block = self.socket.recv(65536)
            except ConnectionResetError:
                block = b""
            if not block:
                return None
            self._rest += block
        end = 9 + self._payload_size()
        kind, flags, stream = struct.unpack(">BBI", self._rest[3:9])
        self._rest = self._rest[end:]
        return kind, flags, stream

    def read_to_the_end_of(self, stream):
        """True once the server has ended the stream, False if the connection ended before."""
        while (read := self.read_frame()) is not None:
            kind, flags, of = read
            if of == stream and (kind == RST_STREAM or flags & END_STREAM):
                return True
        return False

    def _payload_size(self):
        return int.from_bytes(self._rest[:3], "big")
