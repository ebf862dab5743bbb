"""The contract of ``ArtifactStore`` as a suite of tests; see ``event_store_contract``."""
# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import hashlib
import io
import threading

from headway.errors import NotFound
from headway.ports import ArtifactStore, StoredBlob
from headway.testing.expectation import refused

HOSTILE = ("", "..", "../../etc/passwd", "/etc/passwd", "a" * 63, "A" * 64, "g" * 64, "a" * 65, "a" * 64 + "\n", "\x00")
"""Addresses that are no SHA-256 in lower-case hex."""


class ArtifactStoreContract:
    """Override ``make_artifact_store`` and ``make_old``."""

    artifacts: ArtifactStore

    def make_artifact_store(self) -> ArtifactStore:
        """An empty store of the kind that is under test."""
        raise NotImplementedError

    def make_old(self, sha256: str) -> None:
        """Let content look as if it had been stored two hours ago."""
        raise NotImplementedError

    def setup_method(self) -> None:
        """Begin a test; called by the test runner."""
        self.artifacts = self.make_artifact_store()

    def _put(self, content: bytes) -> str:
        return self.artifacts.put(io.BytesIO(content)).sha256

    def _content(self, sha256: str) -> bytes:
        with self.artifacts.open(sha256) as file:
            return file.read()

    def test_content_is_found_by_its_digest(self) -> None:
        blob = self.artifacts.put(io.BytesIO(b"hello"))
        assert blob == StoredBlob(hashlib.sha256(b"hello").hexdigest(), 5)
        assert self._content(blob.sha256) == b"hello"

    def test_content_may_be_empty_or_large(self) -> None:
        large = bytes(range(256)) * 12_000
        for content in (b"", large):
            assert self._content(self._put(content)) == content

    def test_what_was_read_already_is_not_stored(self) -> None:
        stream = io.BytesIO(b"head and body")
        stream.read(9)
        assert self._content(self.artifacts.put(stream).sha256) == b"body"

    def test_parts_of_it_can_be_read(self) -> None:
        with self.artifacts.open(self._put(b"0123456789")) as file:
            file.seek(4)
            assert file.read(3) == b"456"
            file.seek(0)
            assert file.read() == b"0123456789"

    def test_the_same_content_is_one(self) -> None:
        first, second = self._put(b"same"), self._put(b"same")
        assert first == second
        assert self._content(first) == b"same"

    def test_what_is_not_there_is_not_found(self) -> None:
        with refused(NotFound):
            self.artifacts.open("0" * 64)

    def test_what_is_no_address_is_not_found(self) -> None:
        for address in HOSTILE:
            with refused(NotFound):
                self.artifacts.open(address)

    def test_a_source_that_breaks_leaves_nothing(self) -> None:
        source = io.BytesIO(b"x")
        source.close()  # reading it raises a ValueError
        broke = False
        try:
            self.artifacts.put(source)
        except ValueError:
            broke = True
        assert broke, "the source's error was swallowed"
        assert self.artifacts.remove_unused(set(), older_than_s=-10) == 0

    def test_many_may_store_the_same_at_once(self) -> None:
        content = b"x" * 300_000
        digests: list[str] = []
        threads = [threading.Thread(target=lambda: digests.append(self._put(content))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert digests == [hashlib.sha256(content).hexdigest()] * 8
        assert self._content(digests[0]) == content

    def test_unused_content_goes_after_a_while(self) -> None:
        used, unused, fresh = self._put(b"used"), self._put(b"unused"), self._put(b"fresh")
        self.make_old(used)
        self.make_old(unused)
        assert self.artifacts.remove_unused({used}) == len(b"unused")
        assert (self._content(used), self._content(fresh)) == (b"used", b"fresh")
        with refused(NotFound):
            self.artifacts.open(unused)

    def test_content_that_was_stored_again_is_fresh(self) -> None:
        digest = self._put(b"again")
        self.make_old(digest)
        self._put(b"again")
        assert self.artifacts.remove_unused(set()) == 0
        assert self._content(digest) == b"again"

    def test_content_that_is_being_read_may_be_removed(self) -> None:
        digest = self._put(b"still read")
        self.make_old(digest)
        with self.artifacts.open(digest) as file:
            self.artifacts.remove_unused(set())
            assert file.read() == b"still read"

    def test_an_empty_store_has_nothing_to_remove(self) -> None:
        assert self.artifacts.remove_unused(set()) == 0
