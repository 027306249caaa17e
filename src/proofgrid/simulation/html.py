"""The report for people: one HTML file that needs nothing else, no script, no font, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from proofgrid.primitives.money import format_amount
from proofgrid.simulation.report import Report

Column = tuple[str, Callable[[Any], str]]

STYLE = """
:root { color-scheme: light; --ink: #1c2126; --soft: #5d6770; --line: #dfe3e7; --paper: #f5f6f8; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, Helvetica, Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 0 0 4px; }
p { margin: 0 0 12px; color: var(--soft); } code { font: 13px ui-monospace, Menlo, Consolas, monospace; }
pre { background: #e9ecef; padding: 10px 14px; border-radius: 8px; overflow-x: auto; margin: 12px 0 20px; }
section { background: white; border: 1px solid var(--line); border-radius: 12px; padding: 20px 22px; margin: 0 0 20px; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin: 0 0 20px; }
.tile { background: white; border: 1px solid var(--line); border-radius: 12px; padding: 12px 16px; }
.tile b { display: block; font-size: 23px; line-height: 1.25; } .tile span { color: var(--soft); font-size: 13px; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(460px, 1fr)); gap: 20px; }
.two section { margin: 0; } .two { margin-bottom: 20px; }
figure { margin: 0 auto; max-width: 760px; } figure svg { width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 5px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--soft); } th:first-child, td:first-child { text-align: left; white-space: normal; }
.warn { background: #fff4e5; border: 1px solid #f0c48a; border-radius: 8px; padding: 10px 14px; margin: 0 0 20px; }
"""


def html_of(report: Report, plots: Mapping[str, str]) -> str:
    """Return the page."""
    scenario = report["scenario"]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>proofgrid simulation: {escape(scenario['name'])}</title><style>{STYLE}</style></head><body><main>",
        f"<h1>{escape(scenario['name'])}</h1><p>{escape(scenario['summary'])}</p>",
        "" if report["complete"] else '<div class="warn">Stopped before the end: this report is partial.</div>',
        f"<pre><code>{escape(report['command'])}</code></pre>",
        _tiles(report),
        '<div class="two">',
        _plot(plots, "utilisation", "Utilisation", "Slots in use, by class. The dotted line: no more jobs come."),
        _plot(plots, "prices", "Prices", "What clients paid per PU; dotted, where it differs, what operators got."),
        _plot(plots, "waiting", "Waiting", "From submit to the first lease; the round's interval is the least."),
        _plot(
            plots,
            "welfare",
            "Welfare",
            "Rounds against the exact optimum of their books, which hold new jobs and what earlier rounds left over.",
        ),
        "</div>",
        _classes(report),
        _deviations(report, plots),
        _lies(report),
        _griefing(report),
        _attackers(report),
        _strategies(report),
        _money(report, plots),
        _settings(report),
        "</main></body></html>",
    ]
    return "\n".join(part for part in parts if part)


def _tiles(report: Report) -> str:
    totals, welfare = report["totals"], report["welfare"]
    jobs = sum(totals["jobs"].values()) + totals["jobs_open"]
    tiles = [
        (f"{report['scenario']['provers']:,}", "provers"),
        (f"{jobs:,}", "jobs"),
        (_percent(totals["jobs"].get("proven", 0) / jobs), "proven in time"),
        (_duration(totals["simulated_ms"]), "simulated"),
        (f"{totals['rounds']:,}", "rounds"),
        (_percent(welfare["of_all_windows_together"]), f"of the best welfare ({welfare['windows']} books)"),
        (_tokens(report["money"]["treasury"]), "tokens in the treasury"),
        (f"{report['money']['sum']}", f"money lost ({report['money']['checked_rounds']:,} checks)"),
    ]
    return (
        '<div class="tiles">'
        + "".join(f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for value, name in tiles)
        + "</div>"
    )


def _classes(report: Report) -> str:
    columns: list[Column] = [
        ("class", lambda row: row["class"]),
        ("provers", lambda row: f"{row['provers']:,}"),
        ("jobs", lambda row: f"{row['jobs']:,}"),
        ("proven", lambda row: f"{row['proven']:,}"),
        ("utilisation", lambda row: _percent(row["utilisation"])),
        ("wait p50", lambda row: _seconds(row["waiting_ms"]["p50"])),
        ("p90", lambda row: _seconds(row["waiting_ms"]["p90"])),
        ("p99", lambda row: _seconds(row["waiting_ms"]["p99"])),
        ("proof p50", lambda row: _seconds(row["until_proof_ms"]["p50"])),
        ("p99", lambda row: _seconds(row["until_proof_ms"]["p99"])),
        ("mean price", lambda row: _number(row["buy_price_mean"])),
        ("to operators", lambda row: _number(row["sell_price_mean"])),
    ]
    clients: list[Column] = [
        ("clients", lambda row: row["who"]),
        ("jobs", lambda row: f"{row['jobs']:,}"),
        ("proven in time", lambda row: _percent(row["proven_share"])),
        ("wait p50", lambda row: _seconds(row["waiting_ms"]["p50"])),
        ("p90", lambda row: _seconds(row["waiting_ms"]["p90"])),
        ("p99", lambda row: _seconds(row["waiting_ms"]["p99"])),
    ]
    several = len(report["clients"]) > 1
    return _section(
        "Classes",
        "Waiting is until the first lease, proof until the verified proof; prices are base units per PU, by units.",
        _table(columns, report["classes"]) + ("<br>" + _table(clients, report["clients"]) if several else ""),
    )


def _deviations(report: Report, plots: Mapping[str, str]) -> str:
    if not report["deviations"]:
        return ""
    columns: list[Column] = [
        ("strategy", lambda row: row["strategy"]),
        ("cases", lambda row: str(row["cases"])),
        ("honesty earns", lambda row: _number(row["honest_mean"], places=1)),
        ("beyond it", lambda row: _number(row["gain_mean"], places=1)),
        ("share", lambda row: _percent(row["gain_share"], sign=True)),
        ("95%", lambda row: f"± {_percent(row['gain_share_95'])}"),
        ("pays in", lambda row: _percent(row["pays_share"])),
    ]
    return _section(
        "Whole runs in pairs",
        "The same small world and seed twice: everybody honest, and one machine (or a pair) with another strategy. "
        "In a run, capacity sold now is missing later and prices lead to prices, which no rule for one round governs. "
        "Earnings: base units per PU that the machine could have done.",
        f"<figure>{plots.get('deviations', '')}</figure>" + _table(columns, report["deviations"]),
    )


def _lies(report: Report) -> str:
    if not report["lies_in_one_round"]:
        return ""
    columns: list[Column] = [
        ("lie", lambda row: row["lie"]),
        ("cases", lambda row: str(row["cases"])),
        ("pays in", lambda row: _percent(row["pays_share"], places=2)),
        ("gains where it pays", lambda row: _percent(row["gains_share"], places=2)),
        ("change in all", lambda row: _percent(row["change_share"], places=2, sign=True)),
        ("promised never to pay", lambda row: "yes" if row["about_a_price_alone"] else ""),
    ]
    return _section(
        "Lies in one round",
        "Sealed books of a small world, each cleared again with one liar who knows nothing but her own truth. "
        "Gains and changes are shares of all that the truth earns in these cases.",
        _table(columns, report["lies_in_one_round"]),
    )


def _griefing(report: Report) -> str:
    if not report["griefing"]:
        return ""
    columns: list[Column] = [
        ("rule", lambda row: row["rule"]),
        ("rounds attacked", lambda row: f"{row['rounds']:,}"),
        ("nothing traded", lambda row: f"{row['stopped']:,}"),
        ("of the others' gains", lambda row: _percent(row["lost_share"], places=2)),
        ("she bought all", lambda row: f"{row['bought_out']:,}"),
        ("she pays, in others' gains", lambda row: _number(row["paid_over_what_others_gain"], places=2)),
    ]
    return _section(
        "Griefing",
        "A buyer with the highest bid, as large as is allowed, and a decoy seller, against rounds with four or more "
        "sellers that trade without her.",
        _table(columns, report["griefing"]),
    )


def _attackers(report: Report) -> str:
    if not report["attackers"]:
        return ""
    columns: list[Column] = [
        ("attacker", lambda row: row["attacker"]),
        ("what it does", lambda row: row["what"]),
        ("cases", lambda row: str(row["cases"])),
        ("earns beyond honesty", lambda row: _percent(row["gain_share"], sign=True)),
        ("95%", lambda row: f"± {_percent(row['gain_share_95'])}"),
        ("other clients lose", lambda row: _percent(row["clients_lose_share"], sign=True)),
        ("other operators lose", lambda row: _percent(row["operators_lose_share"], sign=True)),
        ("jobs ended unproven", lambda row: str(row["jobs_ended_unproven"])),
    ]
    return _section(
        "Attackers",
        "Small live markets with lanes and constraints, each played twice: the owner of a prover and of a client is "
        "honest, or attacks. What it earns is a share of what the same owner earns by honesty, with the junk that it "
        "pays for and the bonds that it loses; what others lose is a share of what they have while it is honest.",
        _table(columns, report["attackers"]),
    )


def _strategies(report: Report) -> str:
    if len(report["strategies"]) < 2:
        return ""
    columns: list[Column] = [
        ("strategy", lambda row: row["strategy"]),
        ("machines", lambda row: f"{row['machines']:,}"),
        ("proofs", lambda row: f"{row['proofs']:,}"),
        ("slashed", lambda row: _tokens(row["slashed"])),
        ("profit per slot", lambda row: _tokens(row["profit_per_slot"])),
    ]
    return _section(
        "Who earned what in this run",
        "Tokens. The machines differ in hardware, so this is no comparison of strategies; the pairs above are.",
        _table(columns, report["strategies"]),
    )


def _money(report: Report, plots: Mapping[str, str]) -> str:
    names = ("mint", "clients", "escrow", "operators", "bonds", "treasury", "sum")
    columns: list[Column] = [(name, lambda row, name=name: _tokens(row[name])) for name in names]  # type: ignore[misc]
    return _section(
        "Money",
        f"All accounts, in tokens, at the end. They were added up in each of {report['money']['checked_rounds']:,} "
        "rounds; the sum was 0 every time.",
        _table(columns, [report["money"]]) + f"<figure>{plots.get('treasury', '')}</figure>",
    )


def _settings(report: Report) -> str:
    rows = [{"name": name, "value": value} for name, value in report["scenario"].items() if name != "summary"]
    columns: list[Column] = [
        ("setting", lambda row: row["name"]),
        ("value", lambda row: _setting(row["value"])),
    ]
    return _section("Settings", "", _table(columns, rows))


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {share}" for name, share in value.items()) or "none"
    return str(value)


def _plot(plots: Mapping[str, str], name: str, title: str, text: str) -> str:
    return _section(title, text, f"<figure>{plots[name]}</figure>") if name in plots else ""


def _section(title: str, text: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{f'<p>{escape(text)}</p>' if text else ''}{content}</section>"


def _table(columns: Sequence[Column], rows: Sequence[Any]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name, _ in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(text(row))}</td>" for _, text in columns) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _percent(share: float | None, *, places: int = 1, sign: bool = False) -> str:
    if share is None:
        return "-"
    return f"{100 * share:{'+' if sign else ''}.{places}f}%"


def _number(value: float | None, *, places: int = 0) -> str:
    return "-" if value is None else f"{value:,.{places}f}"


def _seconds(milliseconds: int | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds / 1_000:.1f} s"


def _duration(milliseconds: int) -> str:
    hours, minutes = divmod(round(milliseconds / 60_000), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _tokens(amount: int) -> str:
    """Return tokens as people read them; the JSON has every base unit."""
    exact = abs(amount) < 1_000 or amount == 0
    return format_amount(amount) if exact else f"{amount / 1e9:,.3f}"
