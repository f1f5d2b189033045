"""A WebSocket that watches one dataset and notes how old each event is when it comes; just enough of RFC 6455.

A library costs ten times as much for each message, and the client must not be what is measured.
"""

import asyncio
import base64
import json
import os
import re
import struct
import time
from datetime import datetime

AT = re.compile(rb'"at":"([^"]+)"')
SEQ = re.compile(rb'"seq":(\d+)')
CLOSE, PING, PONG = 0x8, 0x9, 0xA


class Watcher(asyncio.Protocol):
    """Answers pings unless it is stalled: then it stops to read after its subscription."""

    def __init__(self, address: str, dataset: str, stalled: bool) -> None:
        self.address, self.dataset, self.stalled = address, dataset, stalled
        self.ready = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.upgraded = False
        self.last: int | None = None
        self.gaps = 0
        self.delays: list[float] = []
        self.closed_with: int | None = None
        self.counting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /api/v1/ws HTTP/1.1\r\nHost: {self.address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.upgraded:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.ready.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self.upgraded, self.buffer = True, rest
            self.say(0x1, json.dumps({"type": "subscribe", "channel": f"dataset/{self.dataset}"}).encode())
        while frame := self.frame():
            self.take(*frame)

    def frame(self) -> tuple[int, bytes] | None:
        """The next whole frame; a server's are not masked."""
        data = self.buffer
        if len(data) < 2:
            return None
        length, start = data[1] & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(data) < start:
                return None
            length = struct.unpack(">H" if start == 4 else ">Q", data[2:start])[0]
        if len(data) < start + length:
            return None
        self.buffer = data[start + length :]
        return data[0] & 0xF, data[start : start + length]

    def take(self, kind: int, payload: bytes) -> None:
        if kind == PING:
            self.say(PONG, payload)
        elif kind == CLOSE:
            self.closed_with = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
        elif b'"event":"snapshot"' in payload[:200]:
            self.last = int(SEQ.search(payload)[1])
            if not self.ready.done():
                self.ready.set_result(None)
            if self.stalled:
                self.transport.pause_reading()
        elif number := SEQ.search(payload):
            seq = int(number[1])
            self.gaps += seq != self.last + 1
            self.last = seq
            if self.counting:
                at = datetime.fromisoformat(AT.search(payload)[1].decode()).timestamp()
                self.delays.append(time.time() - at)

    def say(self, kind: int, payload: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.transport.write(bytes([0x80 | kind, 0x80 | len(payload)]) + mask + masked)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionError("closed before the snapshot"))
