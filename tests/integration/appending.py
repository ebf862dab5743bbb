"""A process of its own that appends: started by tests as a script, which may kill it at any moment.

Arguments: the file, the run, the reporter, events in a batch, batches to append (0: until it is killed). After each
append it prints the reporter's next number; what it appends are notes that carry their number, from 1.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from headway.ports import Batch
from headway.stores.sqlite import SqliteEventStore
from headway.testing.samples import new_run, notes


def append(path: str, run_id: str, reporter: str, size: int, batches: int) -> None:
    store = SqliteEventStore(path)
    store.create(new_run(run_id))
    number = store.append(Batch(run_id=run_id, reporter=reporter, first=1, events=())).next
    done = 0
    while done < batches or not batches:
        drafts = notes(*(f"{reporter}:{n}" for n in range(number, number + size)))
        number = store.append(Batch(run_id=run_id, reporter=reporter, first=number, events=drafts)).next
        done += 1
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    store.close()


def start(path: Path, run_id: str, reporter: str, size: int = 10, batches: int = 0) -> subprocess.Popen[str]:
    """Start such a process."""
    arguments = [str(path), run_id, reporter, str(size), str(batches)]
    return subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    append(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
