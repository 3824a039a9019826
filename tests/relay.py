"""A connection between a camera and its watcher that can be held up, or lose and alter packets."""

import random
import socket
import threading
import time

_HEAD = 16  # bytes of a packet of RTSP over TCP before its picture


class Relay:
    """Passes bytes on; `mode` is `pass`, `hold`, `lose` or `alter`, the last two of `share`."""

    def __init__(self, port: int, share: float = 0.3) -> None:
        self.mode = "pass"
        self._port, self._share, self._random = port, share, random.Random(1)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._server.accept()
                theirs = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return
            for pair in ((ours, theirs, False), (theirs, ours, True)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, down: bool) -> None:
        waiting = b""
        try:
            while content := source.recv(65536):
                ready, waiting = self._changed(waiting + content) if down else (content, b"")
                while down and self.mode == "hold":
                    time.sleep(0.01)
                target.sendall(ready)
        except OSError:
            pass
        for end in (source, target):
            end.close()

    def _changed(self, content: bytes) -> tuple[bytes, bytes]:
        """What to pass on, and the begun packet that waits for its end."""
        if self.mode not in ("lose", "alter"):
            return content, b""
        ready = b""
        while content:
            if not content.startswith(b"$"):
                end = content.find(b"$") if b"$" in content else len(content)
                ready, content = ready + content[:end], content[end:]
                continue
            size = 4 + int.from_bytes(content[2:4], "big")
            if len(content) < max(size, 4):
                break
            ready += self._packet(content[:size])
            content = content[size:]
        return ready, content

    def _packet(self, packet: bytes) -> bytes:
        if packet[1] or self._random.random() > self._share or len(packet) <= _HEAD:
            return packet
        if self.mode == "lose":
            return b""
        altered = bytearray(packet)
        for _ in range(8):
            altered[self._random.randrange(_HEAD, len(altered))] ^= 1 << self._random.randrange(8)
        return bytes(altered)
