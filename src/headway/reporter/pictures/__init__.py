"""Pictures that a job shows: checked by their bytes, kept as they are, and made small for those who watch.

A picture comes in by ``Pictures.take``, in the job's thread, which reads it and no more. ``Pictures.prepare``, in a
thread of its own, reads the file's structure, which costs nothing even if the file is hostile, and only then lets
Pillow decode it. What Pillow gets is not the file but the few parts of it that make the picture: no profiles, texts,
further frames or metadata, which are where bombs are hidden.

Nothing here is raised into the job: what is refused is logged with its reason, and counted.
"""

from headway.errors import PictureRefused
from headway.reporter.pictures.inspection import inspect
from headway.reporter.pictures.options import PictureOptions
from headway.reporter.pictures.pictures import Picture, Pictures
from headway.reporter.pictures.prepared import PictureFile, Prepared, picture_name, prepare
from headway.reporter.pictures.reason import Reason
from headway.reporter.pictures.structure import PictureInfo
from headway.reporter.pictures.thumbnails import thumbnail

__all__ = [
    "Picture",
    "PictureFile",
    "PictureInfo",
    "PictureOptions",
    "PictureRefused",
    "Pictures",
    "Prepared",
    "Reason",
    "inspect",
    "picture_name",
    "prepare",
    "thumbnail",
]
