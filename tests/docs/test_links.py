"""Every link between the documents leads somewhere, and every page is reached."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, name

TOP = [ROOT / file for file in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "PROTOCOL.md")]
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def links(page: Path) -> list[str]:
    """Where a page links to, but for other sites."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    targets = [match["target"] for match in _LINK.finditer(text)]
    return [target for target in targets if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The names of a page's headings."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, *TOP], ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name(page)} links to {link}"
        assert not anchor or anchor in anchors(target), f"{name(page)} links to {link}"


def test_pages_link_only_to_what_the_site_has() -> None:
    site = ROOT / "docs"
    for page in site.rglob("*.md"):
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            assert target.is_relative_to(site), f"{name(page)} links to {link}, which the built site does not have"


def test_the_first_page_names_every_other() -> None:
    """But each decision, which have a list of their own."""
    first = ROOT / "docs" / "index.md"
    named = {(first.parent / link).resolve() for link in links(first)}
    pages = {page for page in first.parent.rglob("*.md") if page.parent.name != "decisions" and page != first}
    assert pages <= named, sorted(map(name, pages - named))


def test_every_page_is_in_the_navigation_once() -> None:
    project = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    listed = list(_leaves(project["nav"]))
    assert len(listed) == len(set(listed))
    assert set(listed) == {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}


def _leaves(nav: object) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    children = nav.values() if isinstance(nav, dict) else nav
    assert not isinstance(children, str)
    return [leaf for child in children for leaf in _leaves(child)]  # type: ignore[attr-defined]
