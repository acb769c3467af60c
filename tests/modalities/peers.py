"""Peers for the modality simulator: scripted ones that play any byte, and the real products."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

from pydicom.uid import JPEGBaseline8Bit
from pynetdicom.dimse_messages import C_ECHO_RSP, C_STORE_RSP, DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ, P_DATA_TF
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext

from dicom.association.ends import Caller, Target
from modalities.studies.pixel_data import TRANSFER_SYNTAXES
from tests.peers import LOOPBACK, PATIENCE, reserved_port, tool

#: What CT images can be encoded in.
FOR_12_BITS = tuple(each for each in TRANSFER_SYNTAXES if each != JPEGBaseline8Bit)


class Conversation:
    """The acceptor's side of one connection, PDU by PDU."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        connection.settimeout(PATIENCE)

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (more := self.connection.recv(size - len(data))):
            data += more
        return data

    def pdu(self) -> bytes:
        header = self.exactly(6)
        return header + self.exactly(int.from_bytes(header[2:6], "big"))

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def acceptance(self, result: int = 0, max_pdu: int = 16384) -> bytes:
        """Read an A-ASSOCIATE-RQ and make the A-ASSOCIATE-AC that answers all its contexts."""
        request = A_ASSOCIATE_RQ()
        request.decode(self.pdu())
        answer = A_ASSOCIATE()
        answer.application_context_name = "1.2.840.10008.3.1.1.1"
        answer.calling_ae_title, answer.called_ae_title = "CT", "PEER"
        answer.result, answer.result_source = 0, 1
        results = []
        for item in request.presentation_context:
            context = PresentationContext()
            context.context_id = item.context_id
            context.abstract_syntax = item.abstract_syntax
            context.transfer_syntax = [item.transfer_syntax[0]]
            context.result = result
            results.append(context)
        answer.presentation_context_definition_results_list = results
        length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
        length.maximum_length_received = max_pdu
        implementation.implementation_class_uid = "2.25.1"
        answer.user_information = [length, implementation]
        encoded: bytes = A_ASSOCIATE_AC(answer).encode()
        return encoded

    def accept(self, result: int = 0, max_pdu: int = 16384) -> None:
        self.send(self.acceptance(result, max_pdu))

    def message(self) -> None:
        """Read one DIMSE message: up to its last dataset fragment, or command without dataset."""
        message = DIMSEMessage()
        while True:
            data = P_DATA_TF()
            data.decode(self.pdu())
            if message.decode_msg(data.to_primitive()):
                return

    def respond(self, status: int, comment: str = "", *, service: type = C_ECHO) -> None:
        """Answer the message with ID 1 on context 1."""
        response = service()
        response.MessageIDBeingRespondedTo = 1
        response.Status = status
        if comment:
            response.ErrorComment = comment
        message = C_STORE_RSP() if service is C_STORE else C_ECHO_RSP()
        if service is C_STORE:
            response.AffectedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
            response.AffectedSOPInstanceUID = "2.25.1"
        else:
            response.AffectedSOPClassUID = "1.2.840.10008.1.1"
        message.primitive_to_message(response)
        for primitive in message.encode_msg(1, 16384):
            self.send(P_DATA_TF(primitive).encode())

    def reset(self) -> None:
        """End the connection with a TCP RST."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def silence(self) -> None:
        """Say nothing until the other side gives up."""
        with contextlib.suppress(OSError):
            while self.connection.recv(1 << 16):
                pass


Script = Callable[[Conversation], None]


def impatient(caller: Caller, **limits: float) -> Caller:
    """``caller`` with ``limits`` of its timeouts that a silent peer exhausts quickly, in seconds.

    Only for the limit that the test is about: a busy machine would exhaust the others as well.
    """
    return caller.model_copy(update={"timeouts": caller.timeouts.model_copy(update=limits)})


@dataclass
class ScriptedPeers:
    """Servers that play one script per connection; ``connections`` counts what came."""

    connections: int = 0
    _open: list[tuple[socket.socket, Thread]] = field(default_factory=list)

    def play(self, script: Script) -> Target:
        listener = socket.create_server((LOOPBACK, 0))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    self.connections += 1
                    with connection, contextlib.suppress(OSError):
                        script(Conversation(connection))

        thread = Thread(target=serve, daemon=True)
        thread.start()
        self._open.append((listener, thread))
        return Target(host=LOOPBACK, port=listener.getsockname()[1], called="PEER")

    def stop(self) -> None:
        for listener, thread in self._open:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(PATIENCE)


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait for ``condition`` while ``process`` lives, at most 20 s."""
    deadline = time.monotonic() + 20
    while not condition():
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        assert time.monotonic() < deadline, f"{process.args!r} did not get ready"
        time.sleep(0.02)


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc: its DICOM port and REST root."""

    port: int
    root: str

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.root + path, timeout=PATIENCE) as answer:  # noqa: S310
            return json.load(answer)

    def put(self, path: str, body: object) -> None:
        request = urllib.request.Request(  # noqa: S310
            self.root + path, json.dumps(body).encode(), method="PUT"
        )
        with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310
            pass


@dataclass(frozen=True)
class StoreScp:
    """A running DCMTK storescp and the folder that it fills."""

    target: Target
    folder: Path


def listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running_storescp(folder: Path, *options: str) -> Iterator[StoreScp]:
    """DCMTK's storage SCP, writing every dataset to ``folder`` exactly as it was received."""
    port = reserved_port()
    arguments = [tool("storescp"), *options, "+B", "+xa", "-od", str(folder), str(port)]
    process = subprocess.Popen(arguments, env={**os.environ, "TCP_NODELAY": "1"})
    try:
        until(lambda: listens(port), process)
        yield StoreScp(Target(host=LOOPBACK, port=port, called="STORESCP"), folder)
    finally:
        process.kill()
        process.wait()
