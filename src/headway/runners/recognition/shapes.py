"""What progress bars look like: from what a row shows to a reading."""

from __future__ import annotations

import re
from collections.abc import Callable

from headway.runners.recognition.signs import Number, Reading

BAR_CHARS = 500
"""A longer row is no progress bar: terminals are not so wide. What is done for a row grows with its length."""

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_78])")
_SCALES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}


def visible(text: str) -> str:
    """A row as people read it: without colours and links, and with single spaces."""
    return " ".join((_ESCAPE.sub("", text) if "\x1b" in text else text).split())


def number(text: str) -> Number:
    """``1,234``, ``12.5`` or ``1.2M`` as a number."""
    digits = text.replace(",", "").strip()
    scale = _SCALES.get(digits[-1:], 0)
    value = float(digits[:-1]) * scale if scale else float(digits)
    return int(value) if value.is_integer() else value


# tqdm


_N = r"\d[\d,]{0,20}(?:\.\d{1,20})?"
_SIZE = rf"{_N}[kKMGTP]?"
_TQDM = re.compile(
    rf"(?:(?P<name>.*?):? )?(?P<percent>\d{{1,3}})%\|[^|]*\| ?(?P<n>{_SIZE})/(?P<total>{_SIZE}) ?(?P<rest>.*)"
)
_TQDM_NARROW = re.compile(rf"(?:(?P<name>.*?):? )?(?P<n>{_SIZE})(?P<unit>[^\s\[\d]*) \[[\d:]+, .*/\w.*\]")
_TQDM_RATE = re.compile(
    r"\[[\d:]+<[\d:?]+(?:, +(?:[\d.]++|\?)[kMGTP]?(?:s/)?(?P<unit>[^,\]/]*?)(?:/s)?)?(?:, (?P<remark>.*))?\]"
)


def tqdm(text: str) -> Reading | None:
    """``desc:  45%|████▌     | 45/100 [00:01<00:02, 30.1it/s, loss=0.1]``."""
    found = _TQDM.fullmatch(text)
    if found is None:
        return _narrow_tqdm(text) if "[" in text else None
    rate = _TQDM_RATE.search(found["rest"])
    unit = rate["unit"] if rate is not None else None
    return Reading(
        style="tqdm",
        name=(found["name"] or "").rstrip(": "),
        current=number(found["n"]),
        total=number(found["total"]) or None,
        unit=None if unit in (None, "", "it", "s") else unit,
        remark=(rate["remark"] or "") if rate is not None else "",
    )


def _narrow_tqdm(text: str) -> Reading | None:
    """One that does not know its total: ``desc: 45it [00:01, 30.1it/s]``."""
    found = _TQDM_NARROW.fullmatch(text)
    if found is None:
        return None
    unit = found["unit"]
    name = (found["name"] or "").rstrip(": ")
    return Reading("tqdm", name, number(found["n"]), None, None if unit in ("", "it") else unit)


# rich, and pip which has it inside


_RICH = re.compile(r"(?P<name>.*?)\s*(?P<bar>[━╸╺]{5,})\s*(?P<rest>.*)")
_PERCENT = re.compile(r"(?<![\w.,])(?P<percent>\d{1,3}(?:\.\d+)?) ?%(?!\w)")
_OF = re.compile(
    rf"(?<![\w./:,-])(?P<n>{_N}) ?(?P<nunit>[kKMGTP]?i?[Bb]?)/(?P<total>{_N})"
    r" ?(?P<unit>[kKMGTP]?i?[Bb]?(?:ytes)?)(?![\w/]|[.:]\d)"
)
_SPINNER = re.compile(r"^[⠀-⣿◐◓◑◒◴◷◶◵|/\\*+-]\s+")


_CLOCK = r"(?:\d+d )?(?:\d{1,3}|-):(?:\d\d|--)(?::(?:\d\d|--))?"
_SPAN = r"\d+(?:\.\d+)?(?:ms|s|m|h|d)(?: ?\d+(?:\.\d+)?(?:ms|s|m|h)){0,4}"
_RATE = rf"(?:{_N}|--\.-|\?) ?[A-Za-z]{{0,12}}/(?:s|sec|second|min)"
_TIME_WORDS = "eta|in|left|remaining|elapsed"
_SHOWN_ELSEWHERE = re.compile(
    rf"(?<![\w./:-])(?:{_RATE}|(?:(?:{_TIME_WORDS}):? ?)(?:{_CLOCK}|{_SPAN}|\?)|(?:{_CLOCK}|{_SPAN}) (?:{_TIME_WORDS})"
    rf"|{_CLOCK}|(?:{_TIME_WORDS})(?: ?-+)?\Z)(?![\w:/])",
    re.IGNORECASE,
)
_SEPARATORS = " \t,;:|/•·<>()[]-"


def rest_of(text: str) -> str:
    """A text without amounts, shares, rates and times, which whoever watches is shown anyway, and up to date."""
    for shape in (_OF, _PERCENT, _SHOWN_ELSEWHERE):
        text = shape.sub(" ", text)
    words = " ".join(word for word in text.split() if word.strip(f"{_SEPARATORS}?"))
    return words.strip(_SEPARATORS)


def rich(text: str) -> Reading | None:
    """``Working ━━━━━━╺━━━━━  33% 0:00:05``, with any columns around the bar."""
    found = _RICH.fullmatch(text) if len(text) <= BAR_CHARS else None
    if found is None:
        return None
    name = _SPINNER.sub("", found["name"]).strip()
    rest = found["rest"]
    return _counted("rich", name, rest, rest) or _counted("rich", _before_number(name), name, rest)


def _before_number(text: str) -> str:
    places = [found.start() for found in (_OF.search(text), _PERCENT.search(text)) if found is not None]
    return text[: min(places, default=len(text))].strip()


def _counted(style: str, name: str, text: str, remark: str) -> Reading | None:
    """What ``N/M`` and ``NN%`` in a text say, if they agree; the percentage if not."""
    of, percent = _OF.search(text), _PERCENT.search(text)
    share = None if percent is None else float(percent["percent"])
    if share is not None and share > 100:
        share = None
    if of is not None:
        current, total = number(of["n"]), number(of["total"])
        current, total = _same_unit(of["nunit"], of["unit"], current, total)
        if 0 <= current <= total and total > 0 and (share is None or abs(100 * current / total - share) < 2):
            return Reading(style, name, current, total, of["unit"] or None, rest_of(remark))
    if share is None:
        return None
    return Reading(style, name, int(share) if share.is_integer() else share, 100, "%", rest_of(remark))


def _same_unit(one: str, other: str, current: Number, total: Number) -> tuple[Number, Number]:
    """``900kB/1.2MB`` in the second's unit."""
    if not one or one == other:
        return current, total
    step = 1024 if "i" in one else 1000
    powers = [max(0, "_KMGTP".find(unit[:1].upper())) for unit in (one, other)]
    return current * float(step) ** (powers[0] - powers[1]), total


# wget, curl


_WGET = re.compile(
    rf"(?P<name>\S.*?) (?:(?P<percent>\d{{1,3}})% ?)?\[(?P<bar>[=>+ <]*)\] (?P<size>{_SIZE})(?![\w.])(?P<rest>.*)"
)
_WGET_DOTS = re.compile(
    r"(?P<kb>\d{1,15})(?P<unit>[KM])(?: [.,]{1,10})+(?: (?P<percent>\d{1,3})%)?"
    rf"(?: (?P<rest>{_SIZE}(?:=\S+| \S+)?))?"
)
_TIME = r"(?:[\d:-]+|\d+d(?: \d+h)?)"
_CURL = re.compile(
    rf"\d{{1,3}} (?P<total>{_SIZE}) (?P<share>\d{{1,3}}) (?P<n>{_SIZE}) \d{{1,3}} {_SIZE} {_SIZE} {_SIZE}"
    rf" {_TIME} {_TIME} {_TIME} (?P<speed>{_SIZE})"
)


def wget(text: str) -> Reading | None:
    """``file.iso   45%[====>      ] 1.20M  500KB/s    eta 3s``."""
    found = _WGET.fullmatch(text)
    if found is None:
        return None
    if found["percent"] is None:
        return None if "<=>" not in found["bar"] else Reading("wget", found["name"], number(found["size"]), None, "B")
    return Reading("wget", found["name"], int(found["percent"]), 100, "%")


def wget_dots(text: str) -> Reading | None:
    """``50K .......... .......... .......... .......... ..........  9% 1.21M 3s``, in which every dot is a kilobyte."""
    found = _WGET_DOTS.fullmatch(text)
    if found is None or not (found["percent"] or found["rest"]):
        return None
    if found["percent"]:
        return Reading("wget dots", "", int(found["percent"]), 100, "%")
    return Reading("wget dots", "", number(found["kb"] + found["unit"]), None, "B")


def curl(text: str) -> Reading | None:
    """curl's meter: ``45  100M   45 45.0M    0     0  10.1M      0  0:00:09  0:00:04  0:00:05 10.2M``."""
    found = _CURL.fullmatch(text)
    if found is None:
        return None
    current, total = number(found["n"]), number(found["total"])
    if found["share"] == "0" and current == total:
        total = 0  # it does not know, and says what it has got instead
    return Reading("curl", "curl", min(current, total) if total else current, total or None, "B")


# Anybody's


_GLYPH = r"[\[\](){}<>#=.\-_|/\\*+~·•█▉▊▋▌▍▎▏░▒▓▐■□▪▫▰▱◼◻━╸╺─═⠀-⣿◐◓◑◒:,\s]"
_GLYPHS = re.compile(rf"(?<!{_GLYPH}){_GLYPH}+\Z")
_OPENING = re.compile(rf"^{_GLYPH}+")


def anything(text: str) -> Reading | None:
    """``N/M`` or ``NN%`` with any text around: only for rows that are drawn over."""
    reading = _counted("bar", "", text, "")
    if reading is None:
        return None
    places = [found for found in (_OF.search(text), _PERCENT.search(text)) if found is not None]
    name = _OPENING.sub("", _GLYPHS.sub("", text[: min(found.start() for found in places)]))
    remark = _OPENING.sub("", text[max(found.end() for found in places) :])
    return reading._replace(name=name, remark=rest_of(remark))


_DIGIT = re.compile(r"[0-9]")
_SHAPES: tuple[Callable[[str], Reading | None], ...] = (tqdm, rich, wget, curl, anything)


def read(text: str) -> Reading | None:
    """What a row that is drawn over shows, or None."""
    if len(text) > BAR_CHARS or not _DIGIT.search(text):
        return None
    for shape in _SHAPES:
        reading = shape(text)
        if reading is not None:
            return reading
    return None
