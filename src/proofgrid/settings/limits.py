"""What one client, one operator and one address that strangers call from may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from proofgrid.settings.declared import Settings, setting

if TYPE_CHECKING:
    from proofgrid.rules.access.operator_limits import OperatorLimits


@dataclass(frozen=True, kw_only=True)
class ClientLimits(Settings):
    """What one client may do; one key is one client."""

    panel: ClassVar[str] = "Limits per client"

    requests_per_second: int = setting(50, "Steady calls.", least=1)
    requests_burst: int = setting(200, "Calls at once.", least=1)
    calls_at_once: int = setting(4_096, "Calls that are not answered yet, streams among them.", least=1)
    bytes_per_second: int = setting(
        64 << 20, "Bytes sent to a gateway, steadily; of JSON a sixteenth.", told="64 MiB", least=1
    )
    bytes_burst: int = setting(512 << 20, "Bytes sent to a gateway at once.", told="512 MiB", least=1)
    stranger_requests_per_second: int = setting(
        100, "Steady calls from one address without a token that is good for anything.", least=1
    )
    stranger_requests_burst: int = setting(1_000, "Such calls at once.", least=1)
    connections_per_address: int = setting(
        512,
        "Connections that one address may have at a process, of IPv6 its network of 64 bits; 0: any number, as behind"
        " a balancer that ends them. This machine's own are not counted.",
        least=0,
    )
    open_tasks: int = setting(1_000, "Tasks that are not ended.", least=1)
    stored_bytes: int = setting(2 << 30, "Bytes of artifacts.", told="2 GiB", least=1)
    upload_bytes: int = setting(256 << 20, "Bytes of one upload.", told="256 MiB", least=1)


@dataclass(frozen=True, kw_only=True)
class OfOperators(Settings):
    """What one operator may have connected; one key is one operator, whatever its provers are called."""

    panel: ClassVar[str] = "Limits per operator"

    operator_provers: int = setting(1_000, "Provers connected at a time.", least=1)
    operator_slots: int = setting(16_384, "Slots of all of them.", least=1)

    def operator_limits(self) -> OperatorLimits:
        """Return what one operator may have connected."""
        from proofgrid.rules.access.operator_limits import OperatorLimits

        return OperatorLimits(provers=self.operator_provers, slots=self.operator_slots)
