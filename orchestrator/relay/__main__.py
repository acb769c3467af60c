"""The relay as a process of its own: ``python -m orchestrator.relay``, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import signal
import threading

from orchestrator.errors import LabError
from orchestrator.model.address import Address
from orchestrator.relay.client import serve
from orchestrator.relay.relay import Relay


def main() -> None:
    """Serve control verbs until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.relay", description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1", help="control address (default: loopback)")
    parser.add_argument("--control-port", type=int, default=8105)
    parser.add_argument(
        "--link",
        nargs=3,
        action="append",
        default=[],
        metavar=("NAME", "HOST:PORT", "HOST:PORT"),
        help="relay connections made to the first address to the second",
    )
    arguments = parser.parse_args()

    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    relay = Relay()
    for name, listen, upstream in arguments.link:
        try:
            relay.link(name, _address(listen), _address(upstream))
        except (LabError, ValueError) as error:
            relay.stop()
            parser.error(f"--link {name} {listen} {upstream}: {error}")
    control = serve(relay, arguments.bind, arguments.control_port)
    print(f"relay: control at {arguments.bind}:{control.port}", flush=True)  # noqa: T201  the node's log
    stopping.wait()
    control.stop()
    relay.stop()


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"expected HOST:PORT such as 127.0.0.1:4242, saw {text!r}")
    return Address(host, int(port))


if __name__ == "__main__":
    main()
