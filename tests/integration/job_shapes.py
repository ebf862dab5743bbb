"""Jobs of every shape: each of their workers reports the same numbers, then works on until it hears a cancel.

Started by tests as a script, with the target's URL, a folder (unused) and the shape. Each worker says "cancelled" when
it has heard it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import headway
from headway.reporter.attached import AttachedRun
from headway.reporter.run import Run

WORKERS = ("a", "b", "c")
NUMBERS = 150


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())  # at once, whichever process or thread it is


def endless() -> Iterator[int]:
    while True:
        time.sleep(0.002)
        yield 0


def report(run: Run | AttachedRun, who: str) -> None:
    for n in range(NUMBERS):
        run.emit("x.n", {"who": who, "n": n})
        if n % 10 == 0:
            time.sleep(0)  # let the others in between


def work(run: Run | AttachedRun, who: str) -> None:
    report(run, who)
    try:
        with run.stage(who) as stage:
            for _ in stage.track(endless()):
                pass
    except headway.Cancelled:
        say(f"cancelled {who}")


def work_here(who: str) -> None:
    work(headway.current(), who)


def work_elsewhere(url: str, who: str) -> None:
    with headway.attach("run", target=url) as run:
        work(run, who)


def wait(run: Run) -> None:
    """The owner hears it a moment later than its helpers do, or earlier."""
    while True:
        run.check()
        time.sleep(0.002)


def opened(url: str) -> Run:
    return headway.run("job", run_id="run", target=url)


def threads(url: str) -> None:
    with opened(url) as run:
        workers = [threading.Thread(target=work, args=(run, who)) for who in WORKERS]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        wait(run)


def executor_threads(url: str) -> None:
    with opened(url) as run, ThreadPoolExecutor(len(WORKERS)) as pool:
        for done in [pool.submit(headway.bind(work_here), who) for who in WORKERS]:
            done.result()
        wait(run)


async def work_async(run: Run, who: str) -> None:
    for n in range(NUMBERS):
        run.emit("x.n", {"who": who, "n": n})
        if n % 10 == 0:
            await asyncio.sleep(0)
    try:
        await asyncio.Event().wait()
    finally:
        say(f"cancelled {who}")


async def async_main(url: str) -> None:
    async with opened(url) as run, asyncio.TaskGroup() as group:
        for who in WORKERS:
            group.create_task(work_async(run, who))


def asyncio_tasks(url: str) -> None:
    asyncio.run(async_main(url))


def processes(url: str, method: str) -> None:
    context = multiprocessing.get_context(method)
    with opened(url) as run:
        run.flush(30)
        with ProcessPoolExecutor(len(WORKERS), mp_context=context) as pool:
            target = work_here if method == "fork" else partial(work_elsewhere, url)
            for done in [pool.submit(target, who) for who in WORKERS]:
                done.result()
        wait(run)


def bare_fork(url: str) -> None:
    with opened(url) as run:
        children = []
        for who in WORKERS:
            child = os.fork()
            if not child:
                work(run, who)
                return  # the child leaves by the block's end, as forgetful programs do
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        wait(run)


def interrupt(url: str) -> None:
    with opened(url) as run:
        run.on_cancel(lambda: os.kill(os.getpid(), signal.SIGINT))
        for who in WORKERS:
            report(run, who)
        try:
            threading.Event().wait()
        finally:
            for who in WORKERS:
                say(f"cancelled {who}")


def without_with(url: str) -> None:
    run = opened(url).start()
    for who in WORKERS:
        report(run, who)
    heard = threading.Event()
    run.on_cancel(heard.set)
    heard.wait()
    for who in WORKERS:
        say(f"cancelled {who}")


def daemon_threads(url: str) -> None:
    run = opened(url).start()
    workers = [threading.Thread(target=work, args=(run, who), daemon=True) for who in WORKERS]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


SHAPES: dict[str, Callable[[str], None]] = {
    "threads": threads,
    "executor-threads": executor_threads,
    "asyncio": asyncio_tasks,
    "fork": partial(processes, method="fork"),
    "spawn": partial(processes, method="spawn"),
    "forkserver": partial(processes, method="forkserver"),
    "bare-fork": bare_fork,
    "interrupt": interrupt,
    "without-with": without_with,
    "daemon-threads": daemon_threads,
}


def main() -> None:
    try:
        SHAPES[sys.argv[3]](sys.argv[1])
    except (headway.Cancelled, KeyboardInterrupt):
        say("ended")


if __name__ == "__main__":
    main()
