"""The contract of artifact stores, on the one that we have."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from headway.ports import ArtifactStore
from headway.stores.files import FileArtifactStore
from headway.testing import ArtifactStoreContract


class TestFiles(ArtifactStoreContract):
    def make_artifact_store(self) -> ArtifactStore:
        self._folder = Path(tempfile.mkdtemp())
        return FileArtifactStore(self._folder / "artifacts")

    def teardown_method(self) -> None:
        shutil.rmtree(self._folder)

    def make_old(self, sha256: str) -> None:
        assert isinstance(self.artifacts, FileArtifactStore)
        then = time.time() - 7_200
        os.utime(self.artifacts.path(sha256), (then, then))
