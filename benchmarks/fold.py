"""How fast events are folded: a million of them, in runs of 20 and of 1,000 stages.

``python -m benchmarks.fold [EVENTS]``. Decoded events still have their data encoded, so decoding those is part of
both figures; "stored" adds decoding the events themselves. Times are of the processor, as a busy machine gives it: the
fold waits for nothing else.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from headway.progress.fold import Fold
from headway.protocol import events as ev
from headway.protocol.codec import decode_event, encode_tail, numbered
from headway.protocol.events import Data, draft

EVENTS = 1_000_000
WANTED = 250_000
CHUNK = 50_000
AT = "2026-11-20T19:41:03.120Z"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    print(f"folding {count:,} events (wanted: {WANTED:,} a second)")
    for stages in (20, 1_000):
        decoded, stored, fold = folding(count, stages)
        print(f"  {stages:5,} stages: {decoded:9,.0f}/s from decoded events, {stored:9,.0f}/s from stored bytes")
        state = fold.state()
        costs = {
            "restore": shortest([partial(Fold.restore, state)] * 20),
            "first state()": shortest([Fold.restore(state).state for _ in range(20)]),
            "state() again": shortest([fold.state] * 20),
            "short()": shortest([fold.short] * 20),
        }
        print("               " + ", ".join(f"{name} {seconds * 1e6:,.0f} µs" for name, seconds in costs.items()))


def folding(count: int, stages: int) -> tuple[float, float, Fold]:
    """Events a second of processor time, from decoded events and from stored bytes; and the fold."""
    decoded, stored = Fold("run-1"), Fold("run-1")
    decoded_s = stored_s = 0.0
    bodies = log(count, stages)
    for size in [CHUNK] * (count // CHUNK) + [count % CHUNK]:
        chunk = list(islice(bodies, size))
        events = [decode_event(body) for body in chunk]
        apply = decoded.apply
        began = time.process_time()
        for event in events:
            apply(event)
        decoded_s += time.process_time() - began
        apply = stored.apply
        began = time.process_time()
        for body in chunk:
            apply(decode_event(body))
        stored_s += time.process_time() - began
    assert decoded.state() == stored.state()
    return count / decoded_s, count / stored_s, decoded


def log(count: int, stages: int) -> Iterator[bytes]:
    """A log of a little more than so many events, as stored."""
    for seq, (data, stage) in enumerate(reports(count, stages), start=1):
        yield numbered(encode_tail(draft(data, at=AT, stage=stage)), seq)


def reports(count: int, stages: int) -> Iterator[tuple[Data, str | None]]:
    """Stages in parts of ten that report in turn; most of it is progress, and all of that raises the run's."""
    paths = [f"part-{index // 10}/step-{index}" for index in range(stages - (stages + 9) // 10)]
    rounds = count // len(paths)
    yield ev.RunCreated(kind="benchmark"), None
    yield ev.RunPlanned(stages=tuple(ev.PlannedStage(path=path, weight=1 + len(path) % 5) for path in paths)), None
    yield ev.RunStarted(), None
    for path in paths:
        yield ev.StageStarted(total=rounds, unit="chunk"), path
    for done in range(1, rounds + 1):
        for path in paths:
            yield ev.StageProgress(current=done, total=rounds, message=f"Chunk {done} of {rounds}"), path
        if done % 10 == 0:
            yield ev.Log(lines=(f"{done} chunks are done", "and more will be"), offset=done * 4), None
            yield ev.Finding(id=f"finding-{done}", severity="low", title="A title", confidence=0.5), paths[0]
            yield ev.Highlight(text="Something was found"), None
    for path in paths:
        yield ev.StageCompleted(duration=3.5), path


def shortest(calls: list[Callable[[], object]]) -> float:
    """The time of the fastest of these calls, in seconds."""
    times = []
    for call in calls:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()
