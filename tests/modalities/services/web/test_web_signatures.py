"""Every way in which a web request can stop, told apart."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from dicom.association.ends import Timeouts, Tls
from dicom.errors import UsageError
from dicom.web.target import WebAuth, WebTarget
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.nodes.node import ModalityNode
from modalities.services.listen import Listen
from modalities.services.qido import Qido
from modalities.services.stow import Stow
from modalities.services.wado import Wado
from orchestrator.evidence.pdu import outcome_of
from tests.dicom.association.test_tls_signatures import Authority
from tests.modalities.peers import Conversation, ScriptedPeers
from tests.modalities.services.web.conftest import Answering, read_request, web_target
from tests.peers import LOOPBACK, reserved_port

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nContent-Length: 2\r\n\r\n[]"


#: A query at a server, with those timeouts that are to be short.
Ask = Callable[..., Report]


def seen(report: Report) -> tuple[str, str]:
    return report.outcome.rung.value, str(report.outcome.signature)


@pytest.fixture
def ask(node: ModalityNode, timeouts: Timeouts) -> Ask:
    """A query at a server; what the trace shows must be what the report says."""

    def query(target: WebTarget, **limits: float) -> Report:
        limited = timeouts.model_copy(update=limits)
        report = node.run(Qido(target=target, timeouts=limited))
        if report.traces[0].pdus:
            assert outcome_of(report.traces[0]) == report.outcome
        return report

    return query


def test_an_unknown_host_is_unresolved(ask: Ask) -> None:
    report = ask(WebTarget(host="nowhere.invalid", port=80))
    assert seen(report) == ("resolve", "unresolved")


def test_a_closed_port_is_refused(ask: Ask) -> None:
    report = ask(WebTarget(host=LOOPBACK, port=reserved_port()))
    assert seen(report) == ("connect", "refused")
    assert report.traces[0].end == "refused"


def test_a_server_that_says_nothing_is_a_timeout(ask: Ask, peers: ScriptedPeers) -> None:
    report = ask(web_target(peers, Conversation.silence), dimse=0.4)
    assert seen(report) == ("dimse", "timeout")
    assert "no answer within 0.4 s" in report.comment


def test_a_head_that_trickles_in_is_a_timeout(ask: Ask, peers: ScriptedPeers) -> None:
    def script(conversation: Conversation) -> None:
        read_request(conversation)
        for byte in OK:
            conversation.connection.settimeout(0.02)
            conversation.send(bytes([byte]))
            try:
                conversation.connection.recv(1)
            except TimeoutError:
                continue
            return

    assert seen(ask(web_target(peers, script), dimse=0.4)) == ("dimse", "timeout")


def test_a_server_that_closes_without_a_word_has_closed(ask: Ask, peers: ScriptedPeers) -> None:
    def script(conversation: Conversation) -> None:
        read_request(conversation)

    report = ask(web_target(peers, script))
    assert seen(report) == ("dimse", "closed")
    assert report.comment == "the server closed the connection without an answer"


def test_a_reset_is_a_reset(ask: Ask, peers: ScriptedPeers) -> None:
    def script(conversation: Conversation) -> None:
        read_request(conversation)
        conversation.reset()

    assert seen(ask(web_target(peers, script))) == ("dimse", "reset")


def test_another_protocol_is_not_http(ask: Ask, answering: Answering) -> None:
    report = ask(answering(b"SSH-2.0-OpenSSH_9.6\r\n"))
    assert seen(report) == ("dimse", "not-http")
    assert "SSH-2.0" in report.comment


def test_a_dicom_port_is_no_web_server(ask: Ask, node: ModalityNode) -> None:
    port = node.run(Listen(aetitle="CT", port=0)).port
    assert seen(ask(WebTarget(host=LOOPBACK, port=port)))[0] == "dimse"


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (401, "WWW-Authenticate: Basic realm=x", "WWW-Authenticate: Basic realm=x"),
        (302, "Location: /login", "Location: /login"),
        (404, "X: y", "no such thing"),
        (503, "X: y", "no such thing"),
    ],
)
def test_a_status_that_is_no_success_is_that_status_with_its_words(
    ask: Ask, answering: Answering, status: int, headers: str, words: str
) -> None:
    head = f"HTTP/1.1 {status} Sorry\r\n{headers}\r\nContent-Length: 13\r\n\r\n"
    report = ask(answering(head.encode() + b"no such thing"))
    assert seen(report) == ("dimse", f"http {status}")
    assert words in report.comment
    assert report.comment.startswith(f"{status} Sorry")


def test_a_token_with_a_line_break_is_an_error_that_does_not_tell_it(ask: Ask) -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        target = WebTarget(host=LOOPBACK, port=port, auth=WebAuth(token="s3cret\n"))
        with pytest.raises(UsageError, match="one line") as error:
            ask(target)
    assert "s3cret" not in str(error.value)


def test_an_answer_that_is_cut_off_has_closed(ask: Ask, answering: Answering) -> None:
    report = ask(answering(OK.replace(b"Length: 2", b"Length: 20")))
    assert seen(report) == ("dimse", "closed")
    assert report.comment == "the answer was cut off after 2 bytes"


def test_chunks_that_end_too_early_have_closed(ask: Ask, answering: Answering) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert seen(ask(answering(head + b"10\r\n[")))[1] == "closed"


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n", b"HTTP/1.1 2"])
def test_a_head_that_never_ends_is_not_http(ask: Ask, answering: Answering, head: bytes) -> None:
    assert seen(ask(answering(head))) == ("dimse", "not-http")


def test_what_a_server_says_before_its_answer_is_no_answer(ask: Ask, answering: Answering) -> None:
    report = ask(answering(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK))
    assert (report.outcome.signature, report.answers) == (None, ())


def test_an_answer_without_a_length_ends_with_the_connection(
    ask: Ask, answering: Answering
) -> None:
    report = ask(answering(b"HTTP/1.0 200\r\nContent-Type: application/dicom+json\r\n\r\n[]"))
    assert (report.outcome.signature, report.answers) == (None, ())


def test_a_login_page_instead_of_answers_is_not_dicom(ask: Ask, answering: Answering) -> None:
    page = b"<html>log in</html>"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
    report = ask(answering(head + page))
    assert seen(report) == ("dimse", "not-dicom")
    assert "expected DICOM JSON, saw b'<html>" in report.comment


def test_a_refusal_before_the_request_was_read_is_still_heard(
    node: ModalityNode, peers: ScriptedPeers, tmp_path: Path, timeouts: Timeouts
) -> None:
    """A server that says 413 to the head and takes no more: the reason is what it said."""
    # longer than what the buffers of two sockets take
    (big,) = write_study(tmp_path, "CT", images=1, rows=4096, columns=4096)

    def script(conversation: Conversation) -> None:
        conversation.connection.recv(100)
        conversation.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        conversation.connection.shutdown(socket.SHUT_WR)
        conversation.connection.recv(100)

    report = node.run(
        Stow(
            target=web_target(peers, script),
            timeouts=timeouts,
            files=(str(big.path.relative_to(tmp_path)),),
        )
    )
    assert seen(report) == ("dimse", "http 413")


def test_a_path_that_no_request_can_carry_is_an_error_not_an_observation(
    node: ModalityNode, peers: ScriptedPeers
) -> None:
    target = web_target(peers, Conversation.silence).model_copy(update={"root": "/a b"})
    with pytest.raises(UsageError, match="percent-encoded"):
        node.run(Qido(target=target))


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (WebAuth(user="lab", password="secret"), "Basic bGFiOnNlY3JldA=="),
        (WebAuth(token="abc"), "Bearer abc"),
    ],
)
def test_credentials_go_into_the_request_and_into_nothing_else(
    ask: Ask, peers: ScriptedPeers, auth: WebAuth, header: str
) -> None:
    heads: list[str] = []

    def script(conversation: Conversation) -> None:
        heads.append(read_request(conversation)[0])
        conversation.send(OK)

    target = web_target(peers, script).model_copy(update={"auth": auth})
    report = ask(target)
    assert f"Authorization: {header}\r\n" in heads[0]
    assert header.partition(" ")[2] not in report.model_dump_json()
    assert "secret" not in repr(target)


# --- TLS ------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority.create(tmp_path, "ca")
    made.issue("server")
    made.issue("client")
    return made


@contextmanager
def https(folder: Path, *, demand: bool = False, name: str = "server") -> Iterator[int]:
    """A server that answers OK over TLS; with ``demand`` it wants a certificate of ``ca``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    if demand:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    listener = socket.create_server((LOOPBACK, 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    read_request(Conversation(secure))
                    secure.sendall(OK)
                    secure.unwrap()
            except OSError:
                return

    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()
    thread.join(5)


def trusting(ca: str | None = "ca.pem", **given: object) -> Tls:
    return Tls.model_validate({"trusted": ca, "check_hostname": True, **given})


def test_https_with_a_trusted_certificate_is_answered(
    ask: Ask, authority: Authority, tmp_path: Path
) -> None:
    with https(tmp_path) as port:
        report = ask(WebTarget(host=LOOPBACK, port=port, tls=trusting()))
    assert (report.outcome.signature, report.answers) == (None, ())


def test_an_untrusted_issuer_is_a_refused_certificate(
    ask: Ask, authority: Authority, tmp_path: Path
) -> None:
    Authority.create(tmp_path, "other")
    with https(tmp_path) as port:
        report = ask(WebTarget(host=LOOPBACK, port=port, tls=trusting("other.pem")))
    assert seen(report) == ("tls", "certificate untrusted-issuer")


def test_a_certificate_of_another_host_is_refused(
    ask: Ask, authority: Authority, tmp_path: Path
) -> None:
    authority.issue("elsewhere", address="192.0.2.1")
    with https(tmp_path, name="elsewhere") as port:
        report = ask(WebTarget(host=LOOPBACK, port=port, tls=trusting()))
    assert seen(report) == ("tls", "certificate hostname-mismatch")


def test_a_missing_client_certificate_is_the_servers_alert(
    ask: Ask, authority: Authority, tmp_path: Path
) -> None:
    with https(tmp_path, demand=True) as port:
        report = ask(WebTarget(host=LOOPBACK, port=port, tls=trusting()))
    assert seen(report) == ("tls", "alert certificate_required")


def test_a_client_certificate_is_presented(ask: Ask, authority: Authority, tmp_path: Path) -> None:
    own = {"certificate": "client.pem", "key": "client.key"}
    with https(tmp_path, demand=True) as port:
        report = ask(WebTarget(host=LOOPBACK, port=port, tls=trusting(**own)))
    assert report.outcome.succeeded


def test_https_to_a_plain_server_is_not_tls(ask: Ask, peers: ScriptedPeers) -> None:
    def script(conversation: Conversation) -> None:
        conversation.connection.recv(1 << 16)
        conversation.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    target = web_target(peers, script).model_copy(update={"tls": Tls()})
    assert seen(ask(target)) == ("tls", "not-tls")


def test_plain_http_to_an_https_server_says_that_it_speaks_tls(
    ask: Ask, authority: Authority, tmp_path: Path
) -> None:
    with https(tmp_path) as port:
        report = ask(WebTarget(host=LOOPBACK, port=port))
    assert report.outcome.rung.value == "dimse"
    assert str(report.outcome.signature) in ("not-http", "closed", "reset")


def test_a_retrieve_that_breaks_off_keeps_what_came_before(
    node: ModalityNode, answering: Answering, study: list[WrittenFile], timeouts: Timeouts
) -> None:
    whole = study[0].path.read_bytes()
    body = b"--e\r\nContent-Type: application/dicom\r\n\r\n" + whole + b"\r\n--e\r\n"
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=e\r\n"
        b"Content-Length: %d\r\n\r\n" % (len(body) + 1000)
    )
    report = node.run(
        Wado(target=answering(head + body), timeouts=timeouts, study_instance_uid="1.2.3")
    )
    assert seen(report) == ("dimse", "closed")
    assert [each.fingerprint for each in report.received] == [study[0].fingerprint]
