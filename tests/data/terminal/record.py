"""Record what real programs draw on a terminal: ``python tests/data/terminal/record.py [NAME …]``.

Each recording is what a program of a certain version wrote to a pseudo-terminal of 80 columns, or to a pipe, byte for
byte. Packages are installed into a folder of their own with pip; downloads come from a slow server on this machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
SIZE = 1_500_000
PACE_S = 0.002

TQDM = """
import time, sys
from tqdm import tqdm
def work(n): time.sleep(0.02)
"""
PROGRAMS = {
    "single": TQDM + "for i in tqdm(range(30), desc='Resizing', unit='img'): work(i)\nprint('done')",
    "nested": TQDM + "for i in tqdm(range(3)):\n  for j in tqdm(range(10)): work(j)\nprint('done')",
    "nested-named": TQDM
    + "for i in tqdm(range(3), desc='Epoch'):\n  for j in tqdm(range(10), desc='Batch', leave=False): work(j)\n"
    + "print('done')",
    "three": TQDM
    + "for i in tqdm(range(2), desc='a'):\n  for j in tqdm(range(3), desc='b', leave=False):\n"
    + "    for k in tqdm(range(5), desc='c', leave=False): work(k)\nprint('done')",
    "write": TQDM
    + "for i in tqdm(range(10), desc='Files'):\n  work(i)\n  tqdm.write(f'file {i} is 50% larger')\nprint('done')",
    "bytes": TQDM
    + "with tqdm(total=5_000_000, unit='B', unit_scale=True, desc='model.bin') as bar:\n"
    + "  for i in range(20): work(i); bar.set_postfix(loss=i / 10); bar.update(250_000)\nprint('done')",
    "unknown": TQDM + "for i in tqdm(iter(range(20)), desc='Lines'): work(i)\nprint('done')",
    "ascii": TQDM + "for i in tqdm(range(20), ascii=True, ncols=60): work(i)\nprint('done')",
    "renamed": TQDM
    + "bar = tqdm(['a', 'b', 'c', 'd'])\nfor name in bar: bar.set_description(f'Processing {name}'); time.sleep(0.12)\n"
    + "print('done')",
}
RICH = """
import time
from rich.progress import *
"""
RICH_PROGRAMS = {
    "track": RICH + "for i in track(range(20), description='Working'): time.sleep(0.03)\nprint('done')",
    "tasks": RICH
    + "with Progress() as p:\n  a = p.add_task('Download', total=20); b = p.add_task('Install', total=40)\n"
    + "  for i in range(40):\n    p.advance(b); i < 20 and p.advance(a); time.sleep(0.03)\n"
    + "    i % 10 == 0 and p.console.print(f'line {i}')\nprint('done')",
    "download": RICH
    + "with Progress(TextColumn('{task.description}'), BarColumn(), DownloadColumn(), TransferSpeedColumn()) as p:\n"
    + "  a = p.add_task('data.zip', total=4_000_000)\n"
    + "  for i in range(20): p.advance(a, 200_000); time.sleep(0.03)\nprint('done')",
    "transient": RICH
    + "with Progress(SpinnerColumn(), *Progress.get_default_columns(), MofNCompleteColumn(), transient=True) as p:\n"
    + "  a = p.add_task('Sifting', total=20)\n"
    + "  for i in range(20): p.advance(a); time.sleep(0.03)\nprint('done')",
}
VERSIONS = {"tqdm": ("4.50.0", "4.62.0", "4.66.5", "4.70.1"), "rich": ("12.6.0", "13.9.4", "15.0.0")}
PIPS = ("22.0.4", "23.3.2", "24.3.1", "26.3")


class Slow(BaseHTTPRequestHandler):
    """Serves what it is asked for, slowly."""

    def do_GET(self) -> None:
        content = (Path(self.server.folder) / self.path.strip("/")).read_bytes()  # type: ignore[attr-defined]
        self.send_response(200)
        if "unknown" not in self.path:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for start in range(0, len(content), 4096):
            self.wfile.write(content[start : start + 4096])
            time.sleep(PACE_S)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name
        """Say nothing."""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """The folder, under the URL given."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as http:
        http.folder = str(folder)  # type: ignore[attr-defined]
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def on_terminal(command: list[str], environment: dict[str, str]) -> bytes:
    """What a program writes to a terminal of 80 columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True):
        os.close(slave)
        pieces = []
        with contextlib.suppress(OSError):
            while piece := os.read(master, 65536):
                pieces.append(piece)
    os.close(master)
    return b"".join(pieces)


def in_pipe(command: list[str], environment: dict[str, str]) -> bytes:
    """What a program writes to a pipe, both streams together."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        check=False,
    ).stdout


def wheel(folder: Path) -> None:
    """A package that is large enough to be seen coming."""
    with zipfile.ZipFile(folder / "demo-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("demo/data.bin", os.urandom(SIZE))
        info = "demo-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            f"{info}/RECORD", "demo/data.bin,,\n" + f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )


def installed(folder: Path, what: str) -> Path:
    """A folder with this package in it."""
    target = folder / what
    if not target.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(target), what], check=True)
    return target


def recordings(folder: Path, url: str) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """Each recording's name, and the command to be recorded."""
    plain = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    for library, programs in (("tqdm", PROGRAMS), ("rich", RICH_PROGRAMS)):
        for version in VERSIONS[library]:
            path = {"PYTHONPATH": str(installed(folder, f"{library}=={version}"))}
            for name, program in programs.items():
                yield f"{library}-{version}-{name}", [sys.executable, "-S", "-c", program], plain | path
    for version in PIPS:
        path = {"PYTHONPATH": str(installed(folder, f"pip=={version}")), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        command = [sys.executable, "-m", "pip", "download", "--no-cache-dir", "--no-deps", "-d", str(folder / "got")]
        yield f"pip-{version}", [*command, f"{url}/demo-1.0-py3-none-any.whl"], plain | path
    yield "wget", ["wget", "-O", str(folder / "x"), f"{url}/data.bin"], plain
    yield "wget-unknown", ["wget", "-O", str(folder / "x"), f"{url}/unknown.bin"], plain
    yield "curl", ["curl", "-o", str(folder / "x"), f"{url}/data.bin"], plain
    yield "curl-unknown", ["curl", "-o", str(folder / "x"), f"{url}/unknown.bin"], plain
    yield "curl-bar", ["curl", "-#", "-o", str(folder / "x"), f"{url}/data.bin"], plain


def main(wanted: list[str]) -> None:
    """Record those whose names begin so; all by default."""
    folder = Path(os.environ.get("RECORD_FOLDER") or tempfile.mkdtemp(prefix="headway-record-"))
    for name in ("data.bin", "unknown.bin"):
        (folder / name).write_bytes(bytes(SIZE))
    wheel(folder)
    with server(folder) as url:
        for name, command, environment in recordings(folder, url):
            if wanted and not name.startswith(tuple(wanted)):
                continue
            ways = {"tty": on_terminal} if name.startswith("rich") else {"tty": on_terminal, "pipe": in_pipe}
            for way, record in ways.items():
                (folder / "got" / "demo-1.0-py3-none-any.whl").unlink(missing_ok=True)
                output = record(command, environment).replace(str(folder).encode(), b"/tmp/demo")
                (HERE / f"{name}.{way}.bin").write_bytes(output)


if __name__ == "__main__":
    main(sys.argv[1:])
