"""Alerts on kinds of incidents (rules/incidents/kinds.py): a row each, with what its runbook says."""

from __future__ import annotations

#: Of kinds of incidents that no other alert is about: name, kinds, severity, and what its runbook says.
OF_INCIDENTS: tuple[tuple[str, str, str, str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "ProofgridFalseClaims",
        "false_claims|equivocation",
        "ticket",
        "An operator said what gateways found to be false.",
        "It was quarantined by itself: nothing is sold to any of its provers until the incident ends, by time.",
        ("`proofgrid admin evidence list`.", "`proofgrid operators`."),
        (
            "Nothing, where it ends by itself; each time of the same operator lasts twice as long.",
            "Take its role where it goes on: `proofgrid admin revoke`.",
        ),
    ),
    (
        "ProofgridEngineBroken",
        "engine_broken|engines",
        "page",
        "One version of an engine proves what does not verify, at many operators, or differs from another one.",
        "A broken version was stopped by itself and its open tasks were refunded; where two differ nothing was done.",
        ("`proofgrid engines`.", "`proofgrid admin engine accepted`: proofs that were paid for, and their bundles."),
        (
            "Find out which is wrong; where two versions differ, stop one: `proofgrid admin engine stop`.",
            "Tell the clients of the bundles on the incident; `proofgrid verify --engines` finds them offline.",
            "`proofgrid admin incident close` resumes what the network stopped.",
        ),
    ),
    (
        "ProofgridTokenAbuse",
        "token_abuse",
        "ticket",
        "Tokens and keys that are good for nothing come from one address.",
        "Strangers from there are not looked at for a minute, twice as long each time; known keys go on.",
        ("`proofgrid admin audit list`: the refused calls.",),
        ("Nothing; where it goes on for days, block the address in front of the gateways.",),
    ),
    (
        "ProofgridAuditLogBroken",
        "audit_log",
        "page",
        "The audit log does not match its checkpoints.",
        "Somebody wrote to the database past the gateways. Nothing is administered until the incident is closed.",
        ("`proofgrid admin audit verify`, with a checkpoint that you kept.",),
        (
            "Find out who can write to the database; keep a copy of it as it is.",
            "Restore the entries from an export or a backup.",
            "`proofgrid admin incident close`; what is still wrong opens a new one.",
        ),
    ),
    (
        "ProofgridVaultShort",
        "vault",
        "page",
        "The vault holds less than the ledger owes, or its guardian struck a batch.",
        "No batch is made until the incident is closed: nothing new can be claimed, and after a silence it freezes.",
        ("`proofgrid admin check-ledger`.", "`batch` and `batch_wanted` in the anchor's logs."),
        (
            "Money that was brought in by hand needs its tokens: transfer them to the vault.",
            "A batch was struck: ask the guardian why before anything else.",
            "`proofgrid admin incident close`; what is still missing opens a new one.",
        ),
    ),
    (
        "ProofgridKeyCompromised",
        "key_compromised",
        "page",
        "A key is in other hands.",
        "Its roles, API keys and streams were ended by itself.",
        ("`proofgrid admin audit list`: what it did lately.",),
        (
            "One of the network's online keys: `proofgrid admin keys rotate`, then `proofgrid admin keys retire`.",
            "One of a client or operator: `proofgrid admin grant` its new key, then `proofgrid admin incident close`.",
        ),
    ),
    (
        "ProofgridSheds",
        "database_slow|store_slow|disk_full",
        "page",
        "A gateway lets nothing new in: its database or store is slow, or its disk is full.",
        "Submissions and quotes are refused with a time to come again; what was accepted goes on.",
        ("`felt` in the log of the gateway.", "Disk, load and latency of the database and the store."),
        ("Make room, or make it faster; it ends by itself.",),
    ),
    (
        "ProofgridClockSkew",
        "clock_skew",
        "page",
        "The clock of a gateway is wrong.",
        "It holds no rounds any more, as long as another one lives to lead.",
        ("`chronyc tracking`, or what keeps the time of that machine.",),
        ("Mend it; the gateway leads again by itself.",),
    ),
)
