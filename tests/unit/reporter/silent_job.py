"""A job whose reports are folded at once, and a sender that asks for signs of life, on a clock of their own."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from headway.progress.fold import Fold
from headway.progress.state import State
from headway.protocol import codec, events, times
from headway.protocol.events import Data, JsonObject
from headway.reporter.drafting import Drafted, make_drafts
from headway.reporter.outbox import Report
from headway.reporter.signs import Sign, Signs
from headway.reporter.templates import Templates


class SilentJob:
    """
    Attributes:
        now: The time.
        spoken: The signs so far.
        taken: When the log took something, and whether that was a sign.
        on_the_way: How long each sign takes to the log, over and over.
        asked: Of which kinds and variants the history was asked for.
    """

    def __init__(
        self,
        templates: Mapping[str, str] | None = None,
        *,
        usual: Mapping[str, float] | None = None,
        on_the_way: tuple[float, ...] = (0.0,),
    ) -> None:
        self.now = 1_000.0
        self.spoken: list[Sign] = []
        self.taken: list[tuple[float, bool]] = []
        self.on_the_way = itertools.cycle(on_the_way)
        self._fold = Fold("run")
        own = Templates()
        own.replace(templates or {})
        self.asked: list[tuple[str, str | None]] = []

        def learn(kind: str, variant: str | None) -> Mapping[str, float]:
            self.asked.append((kind, variant))
            return usual or {}

        self.signs = Signs(self.now, learn=learn, templates=own)
        self.tell(events.RunCreated(kind="audit", title="Audit of a shop"))
        self.tell(events.RunStarted())

    @property
    def state(self) -> State:
        return self._fold.state()

    @property
    def texts(self) -> list[str]:
        return [sign.text for sign in self.spoken]

    def tell(self, data: Data | JsonObject, stage: str | None = None) -> None:
        """Report something, which the log takes at once."""
        if isinstance(data, events.StageStarted) and stage is not None:
            self.signs.began(stage, self.now)
        self._take(Report(times.to_unix("2026-11-20T19:41:03.120Z") + self.now, stage, data), is_sign=False)

    def start(self, stage: str, **said: object) -> None:
        self.tell(events.StageStarted(**said), stage)  # type: ignore[arg-type]

    def progress(self, stage: str, **said: object) -> None:
        self.tell(events.StageProgress(**said), stage)  # type: ignore[arg-type]

    def find(self, count: int, stage: str | None) -> None:
        for _ in range(count):
            self.tell(events.Finding(id=f"finding {self.state.seq}"), stage)

    def wait(self, seconds: float) -> list[str]:
        """Say nothing for so long; what was said instead."""
        until = self.now + seconds
        before = len(self.spoken)
        while self.signs.due_at <= until:
            self.now = max(self.now, self.signs.due_at)
            sign = self.signs.sign(self.state, self.now)
            if sign is None:
                continue
            self.spoken.append(sign)
            self.now += next(self.on_the_way)
            self._take(sign.report(self.now), is_sign=True)
        self.now = max(self.now, until)
        return self.texts[before:]

    def _take(self, report: Report, *, is_sign: bool) -> None:
        """As the sender and its mirror do."""
        [drafted] = make_drafts([report])
        assert isinstance(drafted, Drafted), drafted
        draft = drafted.draft
        self._fold.apply_parts(self._fold.seq + 1, draft.at, draft.type, draft.stage, codec.data_of_draft(draft))
        self.signs.heard(self.now)
        self.taken.append((self.now, is_sign))
