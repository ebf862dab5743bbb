"""The words of signs of life: templates for each stage, which an author may replace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from string import Formatter

import msgspec

from headway.errors import InvalidInput
from headway.protocol import names
from headway.protocol.events import Number

TEXT_CHARS = 200
"""A sign is one line on a screen."""

TEXTS = ("stage", "path", "run", "unit", "message", "elapsed", "expected")
NUMBERS = ("n", "findings", "total", "percent")
FIELDS = TEXTS + NUMBERS
"""What a template may name."""

Values = dict[str, str | Number]
"""Field → its value, for those of which something is known."""

# Beside control characters: line ends that are none, marks that turn the direction of all that follows, surrogates.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SAMPLE: Values = {**dict.fromkeys(TEXTS, "a"), **dict.fromkeys(NUMBERS, 1)}


def highlights(templates: Mapping[str, str]) -> None:
    """Replace the templates of signs of life, in all runs of this process, from the next sign on.

    Args:
        templates: Stage's path → text. A stage without one takes its parent's, which then speaks of the parent; ``""``
            is for all that have none. A template stands until another replaces it. It may name ``{stage}`` (its title,
            or the last part of its path), ``{path}``, ``{run}`` (the run's title or kind), ``{n}`` (how much is done,
            if the stage counts, else how many findings there are in it), ``{findings}``, ``{total}``, ``{percent}``,
            ``{unit}``, ``{message}``, ``{elapsed}`` and ``{expected}`` (``MM:SS``). While one of those that it names
            is not known, the template is not used. Numbers take Python's formats: ``{n:,}``.

    Raises:
        InvalidInput: A path or a template is not what it should be; nothing was replaced.

    Example:
        >>> highlights({"vision": "{n} dark patterns so far"})
    """
    TEMPLATES.replace(templates)


def line(text: str, limit: int) -> str:
    """The text as one line of printable characters, cut to the limit."""
    one = " ".join(_UNPRINTABLE.sub(" ", text[: 8 * limit]).split())
    return one if len(one) <= limit else one[: limit - 1].rstrip() + "…"


class Template(msgspec.Struct, frozen=True):
    """A text that was checked."""

    text: str

    def filled(self, values: Values) -> str:
        """One line with the values in it; empty if one that it names is missing, or of a sort that it cannot show."""
        try:
            return line(self.text.format(**values), TEXT_CHARS)
        except Exception:  # a KeyError, or a ValueError from a fraction where the format is for whole numbers
            return ""


class Templates:
    """Templates by stage. Safe in any thread."""

    def __init__(self) -> None:
        self._by_path: dict[str, Template] = {}

    def replace(self, templates: Mapping[str, str]) -> None:
        """Put these in place of those that are there; the others stay.

        Raises:
            InvalidInput: As ``highlights`` says.
        """
        if not isinstance(templates, Mapping):
            raise InvalidInput(f"{templates!r} are no templates: give a mapping of stages' paths to texts")
        checked = {_path(path): _template(path, text) for path, text in templates.items()}
        # One operation for the interpreter: who reads sees all of them or none, and there is no lock to be forked.
        self._by_path.update(checked)

    def for_stage(self, path: str) -> Iterator[tuple[str, Template]]:
        """The templates that may speak of a stage, its own first, each with the path that it was given for."""
        while True:
            template = self._by_path.get(path)
            if template is not None:
                yield path, template
            if not path:
                return
            path = path.rpartition("/")[0]


TEMPLATES = Templates()
"""Those of this process."""


def _path(path: object) -> str:
    if not isinstance(path, str):
        raise InvalidInput(f"{path!r} is not a stage's path: give a text such as 'vision', or '' for all stages")
    return names.stage_path(path) if path else path


def _template(path: str, text: object) -> Template:
    if not isinstance(text, str):
        raise InvalidInput(f"the template for {path!r} is {text!r}: give a text such as '{{n}} dark patterns so far'")
    where = f"the template {text[:TEXT_CHARS]!r} for {path!r}"
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise InvalidInput(f"{where}: {error}; write '{{n}}' for a field, '{{{{' and '}}}}' for braces") from error
    for _, field, spec, conversion in parts:
        if field is not None:
            _check_field(where, field, spec or "", conversion)
    _check_filled(where, text)
    return Template(text)


def _check_field(where: str, field: str, spec: str, conversion: str | None) -> None:
    """Refuse what is not there, what would look into objects, and widths that would fill the memory."""
    if field not in FIELDS:
        raise InvalidInput(f"{where} names {field!r}: use {', '.join(FIELDS)}")
    if conversion or "{" in spec or re.search(r"\d{3}", spec):
        raise InvalidInput(f"{where} shows {field!r} in a way that is not taken: use a plain format, such as '{{n:,}}'")


def _check_filled(where: str, text: str) -> None:
    try:
        filled = text.format(**_SAMPLE)
    except Exception as error:
        raise InvalidInput(
            f"{where} cannot be filled in ({error}): {', '.join(NUMBERS)} are numbers, all others are texts"
        ) from error
    if not line(filled, TEXT_CHARS):
        raise InvalidInput(f"{where} says nothing: give it some words")
