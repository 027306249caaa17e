"""What proof systems share, written once; a third party builds its plug-in on it as ours do.

chains              jobs of slices in a chain, each begun where the one before it ended
one_job_per_input   the batch, for systems that prove each input by one job; `batches` has its parts
files, keys         files against the identity; what is derived once and kept
engine              an engine that is a program of its own, with limits
circom              circuits of circom, whatever proves them
ignition            the points of a public ceremony, which keys without a setup rest on
looking             prove, then look, then hand in
rehearsal           every call in its order, in one process: the self-check
samples             what a system is tried with
conformance         does it keep its promises? `forging` makes wrong proofs, `trying` kills processes
"""
