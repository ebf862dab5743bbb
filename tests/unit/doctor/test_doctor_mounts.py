"""Which disk a path is on, by what the kernel says of mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.doctor.disk import LOCAL_FUSE, NETWORK, existing_folder
from headway.doctor.mounts import Mount, mount_of

MOUNTINFO = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
36 27 0:32 / /data rw,relatime shared:7 - nfs4 server:/export rw,vers=4.2
37 36 0:33 / /data/local rw,relatime shared:8 - xfs /dev/vdb rw
38 27 0:34 / /with\\040space\\134 ro,relatime - ext4 /dev/vdc rw
39 27 0:35 / /frozen rw,relatime - ext4 /dev/vdd ro
40 27 0:36 / /covered rw - ext4 /dev/vde rw
41 27 0:37 / /covered rw - cifs //server/share rw
a line that is none
"""


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/home/a/jobs.db", Mount(Path("/"), "ext4", False)),
        ("/data/jobs.db", Mount(Path("/data"), "nfs4", False)),
        ("/data/local/x/jobs.db", Mount(Path("/data/local"), "xfs", False)),
        ("/database/jobs.db", Mount(Path("/"), "ext4", False)),
        ("/with space\\/jobs.db", Mount(Path("/with space\\"), "ext4", True)),
        ("/frozen/jobs.db", Mount(Path("/frozen"), "ext4", True)),
        ("/covered/jobs.db", Mount(Path("/covered"), "cifs", False)),
    ],
)
def test_the_innermost_mount_counts(path: str, mount: Mount) -> None:
    assert mount_of(Path(path), MOUNTINFO) == mount


def test_where_nothing_is_said_nothing_is_known() -> None:
    assert mount_of(Path("/x"), "") is None


def test_this_machine_knows_its_disks() -> None:
    found = mount_of(Path("/"))
    assert found is None or found.point == Path("/")


def test_types_that_are_far_and_near() -> None:
    assert {"nfs", "nfs4", "cifs", "smb3", "9p", "ceph"} <= NETWORK
    assert not {"ext4", "xfs", "btrfs", "tmpfs", "overlay", "apfs", "zfs"} & (NETWORK | LOCAL_FUSE)


def test_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert existing_folder(tmp_path / "a" / "b" / "jobs.db") == tmp_path
    (tmp_path / "file").write_text("")
    assert existing_folder(tmp_path / "file" / "jobs.db") == tmp_path
