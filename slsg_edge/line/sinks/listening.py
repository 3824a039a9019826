"""Whether a server can listen where the settings say, and the sentence where it cannot."""

import socket

from slsg_edge.errors import ConfigError


def check_free(what: str, name: str, host: str, port: int) -> None:
    """ConfigError when nothing can listen there."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))
            tried.listen()
    except OSError as error:
        raise cannot_listen(what, name, host, port, error) from error


def cannot_listen(
    what: str, name: str, host: str, port: int, error: OSError | None = None
) -> ConfigError:
    why = f": {error.strerror}" if error and error.strerror else ""
    low = " Ports below 1024 need the right to open them." if 0 < port < 1024 else ""
    return ConfigError(
        f"{what} '{name}' cannot listen on {host}:{port}{why}.",
        fix=f"Give another port or host in line.toml, or end what uses it.{low}",
    )
