"""The page of objectives: what is promised, and when somebody is told that it is not kept."""

from __future__ import annotations

from tools.watch.objectives import BURNS, DAYS, OBJECTIVES


def objectives_text() -> str:
    """Return docs/objectives.md."""
    lines = [
        "# Objectives",
        "",
        "Made by `python -m tools.watch`.",
        "",
        "What a network of proofgrid promises its clients, as Prometheus measures it over all gateways.",
        f"The error budget is what may go wrong in {DAYS} days; once it is gone, reliability goes first.",
        "",
        "| objective | promise | error budget | share of bad events |",
        "|---|---|---|---|",
    ]
    for objective in OBJECTIVES:
        query = objective.record(f"{DAYS}d")
        share = query.replace("|", "\\|")
        lines.append(f"| {objective.name} | {objective.says} | {objective.budget:g} | `{share}` |")
    lines += [
        "",
        "Somebody is told while a budget burns too fast in a long window and in a short one:",
        "the long one says that it matters, the short one that it still does.",
        "",
        "| burns so many times too fast | over | and over | how |",
        "|---|---|---|---|",
    ]
    lines += [f"| {burn.factor:g} | {burn.long} | {burn.short} | {burn.severity} |" for burn in BURNS]
    lines += [
        "",
        "A job that is never leased is in no histogram: the alert on the oldest wait of each lane sees it.",
        "",
    ]
    return "\n".join(lines)
