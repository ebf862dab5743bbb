"""Whatever is logged, its lines are in events that fit, in order, with the time of their first line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headway.protocol import codec, events, limits, times
from headway.reporter.drafting import LOG_EVENT_BYTES, Drafted, make_drafts
from headway.reporter.outbox import Item, LogLines

characters = st.sampled_from(["a", "é", "\U0001f600", "\x00", '"', "\n", "\ud800", "\\"])
texts = st.builds(
    lambda part, times_: part * times_, st.text(characters, max_size=6), st.sampled_from([1, 2, 50, 9_000])
)
kinds = st.tuples(st.sampled_from([None, "a"]), st.sampled_from(["log", "stderr"]), st.sampled_from([None, "info"]))
gathered = st.builds(lambda kind, said: (kind, said), kinds, st.lists(texts, min_size=1, max_size=80))


def lines_of(text: str) -> list[str]:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").removesuffix("\n").split("\n")


@given(st.lists(gathered, max_size=6))
def test_every_line_once_in_order_in_events_that_fit(
    groups: list[tuple[tuple[str | None, str, str | None], list[str]]],
) -> None:
    items: list[Item] = []
    for place, (kind, said) in enumerate(groups):
        lines = LogLines(float(place), *kind, said[0])
        lines.texts += said[1:]
        items.append(lines)
    expected = [(kind, line) for kind, said in groups for text in said for line in lines_of(text)]
    drafted = [each for each in make_drafts(items) if isinstance(each, Drafted)]
    assert read(drafted) == expected
    assert sum(each.reports for each in drafted) == sum(len(said) for _, said in groups)
    ats = [each.draft.at for each in drafted]
    assert ats == sorted(ats)
    assert set(ats) <= {times.to_text(float(place)) for place in range(len(groups))}


def read(drafted: list[Drafted]) -> list[tuple[tuple[str | None, str, str | None], str]]:
    """The lines as a reader of the log gets them; it must be able to decode each event."""
    lines = []
    part = ""
    for each in drafted:
        tail = codec.encode_tail(each.draft)
        assert len(tail) <= min(each.size, limits.EVENT_BYTES)
        log = codec.data_of(codec.decode_event(codec.numbered(tail, 1)))
        assert isinstance(log, events.Log)
        assert all(len(line.encode()) <= limits.LOG_LINE_BYTES for line in log.lines)
        if log.partial:
            assert len(log.lines) == 1
            part += log.lines[0]
            continue
        kind = (each.draft.stage, log.stream, log.level)
        lines += [(kind, part + log.lines[0]), *((kind, line) for line in log.lines[1:])]
        part = ""
    return lines


def test_events_are_as_full_as_can_be() -> None:
    items: list[Item] = []
    for n in range(40):
        lines = LogLines(float(n), None, "log", None, "x" * 100)
        lines.texts += ["x" * 100] * 99
        items.append(lines)
    drafted = [each for each in make_drafts(items) if isinstance(each, Drafted)]
    assert len(drafted) <= 40 * 100 * 103 / (LOG_EVENT_BYTES - 100 * 103) + 1
