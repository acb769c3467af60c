"""The relay as a process of its own: ``python -m orchestrator.relay``, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import signal
import threading

from orchestrator.relay.client import serve
from orchestrator.relay.relay import Relay


def main() -> None:
    """Serve control verbs until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.relay", description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1", help="control address (default: loopback)")
    parser.add_argument("--control-port", type=int, default=8105)
    arguments = parser.parse_args()

    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    relay = Relay()
    control = serve(relay, arguments.bind, arguments.control_port)
    print(f"relay: control at {arguments.bind}:{control.port}", flush=True)  # noqa: T201  the node's log
    stopping.wait()
    control.stop()
    relay.stop()


if __name__ == "__main__":
    main()
