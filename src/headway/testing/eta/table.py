"""The figures as a table."""

from headway.testing.eta.tally import Tally, average, percentile, share


def table(kinds: dict[str, Tally]) -> list[str]:
    """Lines of text: a heading, then one line for each tally."""
    heading = (
        f"{'kind':<34}{'runs':>5} {'submit':>7}{'>2x':>6} {'25 %':>6}{'50 %':>6}{'75 %':>6} {'p90@50':>7}"
        f" {'1 run':>6}{'2':>6}{'3':>6} {'few':>6}{'many':>6} {'neg':>4}{'back':>5}{'turns':>6}{'raw':>6}"
    )
    return [heading, *(_line(kind, tally) for kind, tally in kinds.items())]


def _line(kind: str, tally: Tally) -> str:
    def shown(value: float | None, width: int) -> str:
        return f"{'-':>{width}}" if value is None else f"{100 * value:>{width}.1f}"

    turns = "".join(
        f"{'-':>6}" if value is None else f"{value:>6.2f}" for value in map(average, (tally.reversals, tally.raw))
    )
    return (
        f"{kind[:33]:<34}{len(tally.submit):>5} {shown(percentile(tally.submit, 0.5), 7)}"
        f"{shown(share(error > 1 for error in tally.submit), 6)} "
        + "".join(shown(percentile(errors, 0.5), 6) for errors in tally.at.values())
        + f" {shown(percentile(tally.at[0.5], 0.9), 7)} "
        + "".join(shown(share(hits), 6) for hits in tally.cold.values())
        + f" {shown(share(tally.few), 6)}{shown(share(tally.many), 6)} {tally.negative:>4}{tally.steps_back:>5}{turns}"
    )
