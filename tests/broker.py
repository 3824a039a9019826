"""A real mosquitto that may be stopped and started again, and what it was told."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

DEADLINE = 20.0


def mosquitto() -> str:
    """Its path; the test is skipped where there is none."""
    found = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip("mosquitto is not installed")
    return found


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


class Broker:
    """On a port of its own; lines: of its configuration, beside the listener."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self._program, self.port = mosquitto(), free_port()
        self._config = folder / "mosquitto.conf"
        allowed = () if any("password_file" in line for line in lines) else ("true",)
        anonymous = [f"allow_anonymous {word}" for word in allowed or ("false",)]
        text = [f"listener {self.port} 127.0.0.1", *anonymous, *lines]
        self._config.write_text("\n".join(text) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise AssertionError("mosquitto does not start")

    def stop(self) -> None:
        """In order, so that it keeps what it has confirmed."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(DEADLINE)
            self._process = None


@contextmanager
def running_broker(folder: Path, *lines: str) -> Iterator[Broker]:
    broker = Broker(folder, *lines)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Listener:
    """Hears what a broker distributes: (topic, payload, QoS, whether it was retained)."""

    def __init__(self, port: int, topic: str, name: str = "listener") -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.heard: list[tuple[str, bytes, int, bool]] = []
        self._topic, self._ready = topic, False
        self._client = Client(CallbackAPIVersion.VERSION2, name, clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._came
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()
        end = time.monotonic() + DEADLINE
        while not self._ready and time.monotonic() < end:
            time.sleep(0.01)
        assert self._ready

    def on(self, ending: str) -> list[bytes]:
        return [payload for topic, payload, _, _ in self.heard if topic.endswith(ending)]

    def send(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(DEADLINE)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribed(self, *_: object) -> None:
        self._ready = True

    def _came(self, _: object, __: object, message: object) -> None:
        each = message
        self.heard.append((each.topic, each.payload, each.qos, each.retain))  # type: ignore[attr-defined]
