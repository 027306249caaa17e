"""The command line."""

from proofgrid.primitives.tls import speak_tls_1_3_only

speak_tls_1_3_only()  # before any command loads gRPC
