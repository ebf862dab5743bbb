"""A summary checked against its source, read with no code of the workload's."""

import re


def quotes(summary: str) -> list[tuple[str, str, str]]:
    """Time, speaker and words of each sentence."""
    found = re.findall(r"^- \*\*(\d+:\d\d:\d\d)\*\* ([^:]+): (.+)$", summary, re.MULTILINE)
    return [(time, speaker, re.sub(r"\\(.)", r"\1", text)) for time, speaker, text in found]


def said(source: str) -> dict[str, list[tuple[str, str]]]:
    """By start time, who said what, read with no code of the workload's."""
    found: dict[str, list[tuple[str, str]]] = {}
    for time, speaker, text in re.findall(r"^(\d+:\d\d:\d\d)\.\d+ -->.*\n<v ([^>]+)>(.*)$", source, re.MULTILINE):
        plain = re.sub(r"<[^>]*>", "", text)
        found.setdefault(re.sub(r"^0(?=\d)", "", time), []).append((speaker, plain))
    return found


def strays(summary: str, source: str) -> list[tuple[str, str, str]]:
    """The sentences that are not in the source, word for word, by that speaker and at that time."""
    spoken = said(source)
    return [
        (time, speaker, text)
        for time, speaker, text in quotes(summary)
        if not any(name == speaker and text in words for name, words in spoken.get(time, []))
    ]


def chapters(summary: str) -> list[str]:
    """The text of each chapter, from its time on."""
    body, _ = summary.split("\n## Quality\n")
    return re.split(r"^## \d+\. ", body, flags=re.MULTILINE)[1:]
