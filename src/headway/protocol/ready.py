"""Types that JSON is read into, made ready where they are defined.

msgspec learns a type when something is first read into it. In version 0.22 two threads that do so for the first time at
once crash the whole process: the second one takes what the first has half learned. So it is done with the definition,
while the import lock lets one thread in.
"""

from __future__ import annotations

import msgspec


def ready(*types: object) -> None:
    """Have msgspec learn these types, and what is in them. For the end of the module that defines them."""
    for each in types:
        msgspec.json.Decoder(each)
