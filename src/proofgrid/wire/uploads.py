"""What a gateway says before the end of a call that says many things.

gRPC loses a refusal that overtakes what is being written. So a gateway says that it took the first message, in the
call's initial metadata, and our clients write no more before they have heard it: what is refused by then is refused in
the gateway's own words.
"""

from __future__ import annotations

GO_ON = ("proofgrid-go-on", "1")
