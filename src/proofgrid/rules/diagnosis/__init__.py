"""What is said of a machine that is to be a client, a prover or a gateway: findings, out of facts of others.

finding     what a finding is
machine     Python, cores, memory, disk, limits, clock
places      key files, certificates, the data directory, ports
services    the database, the artifact store, the gateway that is called
engines     proof systems, trust roots, confinement
"""
