"""Judge an estimator of remaining time by replaying real runs: `python -m headway.testing.eta FILE[.gz] [--json]`.

The file has one run a line: `kind`, `started` (Unix seconds), `total` (seconds), `stages` (a list of `name`, `start`,
`end`: seconds from the run's start, which may overlap) and optionally `size`, a number or an object of numbers.

**The rules of the game, as they are read here.** Runs of a kind are taken in the order in which they started. Each is
estimated from the at most 100 runs before it, and learned from only afterwards. With the data that the project
began with, this order gives the published figures of the simple rules (5.6 % and 3.3 % at submission; 4.0, 3.9 and
3.6 % in flight; 36.2 %; 82.7, 81.9 and 85.6 %). Runs overlap in reality, so `--clock` is stricter: a run is known
only when it had ended at the moment of the estimate.

At *submission* nothing is known of the run but its kind and size. At 25, 50 and 75 % of its true duration the estimator
sees when each stage so far began and ended, and nothing of what comes. Every error is the difference between estimated
and true remaining time, as a share of the run's true total.

- `n`: runs judged, the last 30 % of each kind.
- `submit`: the median error at submission, and the share of errors greater than the true total (`off2x`).
- `at`: median and 90th percentile of the error at 25, 50 and 75 %.
- `cold`: every window of one, two, three runs in a row, of all runs of a kind, as the whole history: the share of the
  next runs whose error at 50 % is at most 20 %.
- `coverage`: the share of true times inside the interval, at all four moments. `few`: the windows of two and three;
  `many`: the runs judged, where five or more are known.
- `negative`: estimates below zero, or percentiles out of order, at any moment.
- `steps_back`: times that the run's bar fell. It is the bar that watchers see, the progress of the folded events of the
  stages; no estimator has a say in it.
- `reversals`: how often the end that a watcher reads turned, earlier after later or the reverse: the mean over runs,
  every estimate going through the countdown. The table also has the turns of the estimates themselves (`raw`).

For the last three each judged run is replayed with an estimate at every event of a stage and at every hundredth of its
duration. A figure that nothing could be measured for is null.

While a kind has fewer than ten runs, the other kinds of the file lend it their spread, as a server does: of the runs
that had started by then, or ended with `--clock`.
"""
