import gc
import os
import signal
import threading
import weakref

import headway
from headway.reporter.bridges import shelf
from headway.reporter.bridges.shelf import STAGES, give_back, take
from headway.reporter.stage import Scope, Stage


def silent() -> headway.Run:
    return headway.run("shelf", target="none:")


def names(place: Scope, *wanted: str) -> list[str]:
    return [taken.stage.path for name in wanted if (taken := take([place], name)) is not None]


def test_a_name_in_use_is_numbered() -> None:
    assert names(silent(), "a", "a", "b", "a") == ["a", "a 2", "b", "a 3"]


def test_what_was_given_back_is_taken_again() -> None:
    run = silent()
    first = take([run], "a")
    assert first is not None
    give_back(first)
    again = take([run], "a")
    assert again is not None
    assert again.stage is first.stage
    assert (first.fresh, again.fresh) == (True, False)


def test_places_do_not_share_names() -> None:
    run = silent()
    assert names(run, "a") + names(run.stage("b"), "a") == ["a", "b/a"]


def test_a_stage_that_the_author_has_begun_is_left_alone_and_a_planned_one_is_not() -> None:
    run = headway.run("shelf", target="none:", plan={"begun": 1, "planned": 1}).start()
    run.stage("begun").start()
    run.stage("planned")
    assert names(run, "begun", "planned") == ["begun 2", "planned"]


def test_endless_new_names_share_what_was_left() -> None:
    run = silent()
    for number in range(STAGES - 1):
        assert take([run], f"open {number}")
    left = take([run], "left")
    assert left is not None
    assert take([run], "no room") is None
    give_back(left)
    shared = take([run], "another")
    assert shared is not None
    assert shared.stage is left.stage


def test_a_place_that_is_too_deep_is_passed_over() -> None:
    run = silent()
    deep: Stage = run.stage("1/2/3/4/5/6/7/8")
    long: Stage = run.stage("x" * 200)
    for place in (deep, long):
        taken = take([place, run], "a")
        assert taken is not None
        assert taken.place is run
    assert take([deep], "a") is None


def test_a_run_is_not_kept_alive() -> None:
    run = silent()
    take([run], "a")
    gone = weakref.ref(run)
    del run
    gc.collect()
    assert gone() is None


def test_a_fork_finds_the_shelf_open_whoever_was_at_it() -> None:
    held, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with shelf._lock:
            held.set()
            forked.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    run = silent()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if take([run], "a") else 1)
    forked.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
