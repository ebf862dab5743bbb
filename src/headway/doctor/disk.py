"""The disk that the store is on: near or far, and how much room there is."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from headway.doctor.check import Check, fine, problem, warning
from headway.doctor.mounts import mount_of

NETWORK = frozenset(
    ("9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs")
) | frozenset(("nfs4", "ocfs2", "pvfs2", "smb3", "smbfs", "vboxsf", "vmhgfs", "webdav"))
"""File systems that several machines share: SQLite's write-ahead log needs memory that all its users share."""

LOCAL_FUSE = frozenset(("fuseblk", "fuse.ntfs", "fuse.ntfs-3g", "fuse.exfat", "fuse.mergerfs", "fuse.gocryptfs"))

LITTLE_BYTES = 1_000_000_000
"""A log grows by this within a day if jobs talk much."""

NOTHING_BYTES = 50_000_000
"""Less than the write-ahead log and one checkpoint may need."""


def check_disk(path: Path) -> Iterator[Check]:
    """Whether a store's file can be trusted to its disk.

    Args:
        path: The file, which need not exist.
    """
    folder = existing_folder(path.resolve())
    mount = mount_of(folder)
    if mount is not None and mount.type in NETWORK:
        yield problem(
            "disk",
            f"{path} is on a network file system ({mount.type}), on which SQLite loses data",
            "put the store on a disk of this machine, and let other machines report over HTTP",
        )
    elif mount is not None and mount.type.startswith("fuse") and mount.type not in LOCAL_FUSE:
        yield warning(
            "disk",
            f"{path} is on {mount.type}, which may be on another machine, and on which SQLite may lose data",
            "put the store on a disk of this machine",
        )
    if is_read_only(path):
        point = folder if mount is None else mount.point
        yield problem("disk", f"{point} is mounted to be read only", f"mount -o remount,rw {shlex.quote(str(point))}")
    yield _check_space(folder)


def is_read_only(path: Path) -> bool:
    """Whether nobody can write a file there, nor one beside it, whatever he may."""
    return bool(os.statvfs(existing_folder(path.resolve())).f_flag & os.ST_RDONLY)


def existing_folder(path: Path) -> Path:
    """The folder of a path, or the nearest one above it that is there."""
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _check_space(folder: Path) -> Check:
    found = os.statvfs(folder)
    free_bytes = found.f_bavail * found.f_frsize
    text = f"{free_bytes / 1e9:,.1f} GB are free on the disk of {folder}"
    remedy = "free some space, for example with  headway prune"
    if free_bytes < NOTHING_BYTES:
        return problem("space", f"only {free_bytes / 1e6:,.0f} MB are free on the disk of {folder}", remedy)
    if found.f_files and found.f_favail == 0:
        return problem("space", f"the disk of {folder} cannot hold another file: its inodes are used up", remedy)
    return warning("space", f"only {text}", remedy) if free_bytes < LITTLE_BYTES else fine("space", text)
