"""Words: what counts as one, and which of them carry content."""

import re
from collections.abc import Iterable

# A word begins with a letter; apostrophes and hyphens may join more of it. Figures are not words: a pad
# of numbers read up by radio would otherwise look like the richest sentence of all.
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_FIGURE = re.compile(r"\d+")

# Function words and the small change of English talk. Everything else is weighed by how rare it is, so
# that the list needs to know nothing of the subject and other languages get by without one.
STOP_WORDS = frozenset(
    """
    a able about above actually after again against ago ah all almost alright also although always am an and
    another any anybody anyone anything anyway are aren't around as ask at away back be because been before
    being below better between both bit but by came can can't cannot come comes coming could couldn't did
    didn't do does doesn't doing don't done down during each either else enough even ever every everybody
    everyone everything few fine first for from further gave get gets getting give given go goes going gone
    good gonna got had hadn't has hasn't have haven't having he he'd he'll he's hello her here here's hers
    herself hey hi him himself his how how's i i'd i'll i'm i've if in indeed instead into is isn't it it'd
    it'll it's its itself just keep kind know last least less let let's like little look looks lot made
    make makes many may maybe me mean might mine more most much must my myself near need never next no nobody
    none nor not nothing now of off oh ok okay on once one ones only or other others ought our ours ourselves
    out over own per perhaps please pretty probably put quite rather really right said same saw say says see
    seem seems seen several shall she she's should shouldn't since so some somebody someone something
    sometimes soon sort still such sure take taken takes taking tell than thank thanks that that'll that's
    the their theirs them themselves then there there'll there's these they they'd they'll they're they've
    thing things think this those though through thus to together told too took toward try two uh uhm um
    under until up upon us use used using very want wanted was wasn't way we we'd we'll we're we've well
    went were weren't what what's when where where's whether which while who who's whom whose why will with
    within without won't would wouldn't yeah yep yes yet you you'd you'll you're you've your yours yourself
    """.split()  # noqa: SIM905 - three hundred quoted words read worse
)


def words(text: str) -> list[str]:
    """The words of a text in order, in lower case and with straight apostrophes."""
    return [word.lower() for word in spelled(text)]


def spelled(text: str) -> list[str]:
    """The same words as they are written."""
    return _WORD.findall(text.replace("\u2019", "'"))


def content(tokens: Iterable[str]) -> list[str]:
    """Those words that carry content: no stop words and no single letters."""
    return [token for token in tokens if len(token) > 1 and token not in STOP_WORDS]


def figures(text: str) -> int:
    """How many runs of digits a text holds."""
    return len(_FIGURE.findall(text))
