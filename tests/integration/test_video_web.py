"""The transcript of the video workload fetched from real servers, kind and unkind."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from workloads.video import source, web
from workloads.video.problem import InputProblem

BODY = b"WEBVTT\n\n00:01.000 --> 00:02.000\nRoger.\n"

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(**answers: Answer) -> Iterator[str]:
    """A server on a free port that answers each path in its own way; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            answers[self.path.strip("/").partition(".")[0]](self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()


def body(content: bytes, *, length: int | None = None) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if length is not None:
            request.send_header("Content-Length", str(length))
        request.end_headers()
        request.wfile.write(content)

    return answer


def moved(to: str, status: int = 302) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Location", to)
        request.end_headers()

    return answer


def read(address: str) -> bytes:
    return b"".join(source.open_source(address).blocks)


def test_a_body_is_fetched_with_its_size() -> None:
    with server(talk=body(BODY, length=len(BODY))) as address:
        incoming = source.open_source(f"{address}/talk.vtt")
        assert (incoming.extension, incoming.size) == (".vtt", len(BODY))
        assert b"".join(incoming.blocks) == BODY


def test_a_body_of_unknown_length_is_fetched() -> None:
    with server(talk=body(BODY)) as address:
        assert read(f"{address}/talk") == BODY


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status: int) -> None:
    with server(old=moved("/talk.vtt", status), talk=body(BODY)) as address:
        assert read(f"{address}/old") == BODY


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/talk.vtt", "data:text/vtt,WEBVTT"])
def test_redirects_to_other_schemes_are_refused(target: str) -> None:
    with server(old=moved(target)) as address, pytest.raises(InputProblem, match="which is not followed"):
        read(f"{address}/old")


def test_redirects_in_a_circle_end() -> None:
    with server(old=moved("/old")) as address, pytest.raises(InputProblem, match="keeps redirecting"):
        read(f"{address}/old")


def test_a_missing_page_says_so() -> None:
    with (
        server(talk=lambda request: request.send_error(404)) as address,
        pytest.raises(InputProblem, match=r"answered 404 \(Not Found\)"),
    ):
        read(f"{address}/talk.vtt")


def test_a_body_that_is_told_to_be_too_big_is_not_fetched() -> None:
    with (
        server(talk=body(b"", length=source.MAX_BYTES + 1)) as address,
        pytest.raises(InputProblem, match="larger than 16 MiB"),
    ):
        read(f"{address}/talk.vtt")


def test_a_body_that_turns_out_too_big_is_cut_off() -> None:
    got: list[bytes] = []
    with server(talk=body(b"x" * 50_000)) as address:
        reply = web.fetch(f"{address}/talk", max_bytes=10_000, block_bytes=4_096)
        with pytest.raises(InputProblem, match="larger than"):
            got.extend(reply.blocks)
    assert sum(map(len, got)) <= 10_000


def test_a_body_that_breaks_off_is_not_taken_for_a_whole_one() -> None:
    with server(talk=body(BODY, length=1000)) as address, pytest.raises(InputProblem, match="broke off"):
        read(f"{address}/talk.vtt")


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "WAIT_S", 0.2)
    monkeypatch.setattr(web, "BODY_S", 0.2)


@pytest.mark.usefixtures("short_waits")
def test_a_silent_server_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(InputProblem, match="said nothing"):
        read(f"http://127.0.0.1:{deaf.getsockname()[1]}/talk.vtt")


@pytest.mark.usefixtures("short_waits")
def test_a_server_that_falls_silent_is_not_waited_for() -> None:
    done = threading.Event()

    def begin(request: BaseHTTPRequestHandler) -> None:
        body(BODY, length=1000)(request)
        done.wait()

    with server(talk=begin) as address:
        try:
            with pytest.raises(InputProblem, match="said nothing"):
                read(f"{address}/talk.vtt")
        finally:
            done.set()


@pytest.mark.usefixtures("short_waits")
def test_a_server_that_drips_is_not_waited_for() -> None:
    done = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while not done.wait(0.02):
            request.wfile.write(b"x")

    with server(talk=drip) as address:
        try:
            with pytest.raises(InputProblem, match="did not arrive within"):
                read(f"{address}/talk.vtt")
        finally:
            done.set()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{}/talk.vtt", "http://", "http://[::1/x.vtt", "http://host:port/x"]
)
def test_an_address_that_leads_nowhere_is_refused(address: str) -> None:
    with pytest.raises(InputProblem, match="cannot be reached"):
        read(address.format(closed_port()))


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(InputProblem) as problem:
        read("http://me:secret@127.0.0.1/talk.vtt")
    assert "secret" not in str(problem.value)


def test_a_server_that_speaks_something_else_is_refused() -> None:
    def babble(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"220 \x1b[31mwelcome to this FTP server\r\n")

    with server(talk=babble) as address, pytest.raises(InputProblem, match="does not speak HTTP"):
        read(f"{address}/talk.vtt")


def test_a_servers_own_words_are_not_repeated() -> None:
    def scold(request: BaseHTTPRequestHandler) -> None:
        request.send_response(403, "\x1b[2J gotcha")
        request.end_headers()

    with server(talk=scold) as address, pytest.raises(InputProblem, match=r"answered 403 \(Forbidden\)"):
        read(f"{address}/talk.vtt")
