"""What is shown of a URL."""

from __future__ import annotations

import pytest

from headway.protocol.url import shown_url


@pytest.mark.parametrize("user", ["user:secret@", "token@", ":secret@", "a%40b:c@d@"])
@pytest.mark.parametrize("rest", ["", ":8642/below", "/a@b:c@d", "?a=b@c"])
def test_nobody_sees_the_password(user: str, rest: str) -> None:
    assert shown_url(f"https://{user}example.com{rest}") == f"https://example.com{rest}"
    assert shown_url(f"https://example.com{rest}") == f"https://example.com{rest}"


def test_other_targets_stay_as_they_are() -> None:
    for url in ("sqlite:///a@b.db", "sqlite:////home/user@host/log.db", "none:", "user@host"):
        assert shown_url(url) == url
