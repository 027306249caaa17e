"""Writes the bill of materials of a release: CycloneDX 1.6, as JSON."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

from tools.supply.licences import UNKNOWN
from tools.supply.locks import Package


def installed_with(name: str) -> set[str]:
    """The Python packages that `pip install NAME` brings on this machine, by their normal names."""
    found: set[str] = set()
    waiting = [(name, "")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted, extra = waiting.pop()
        if (wanted, extra) in seen:
            continue
        seen.add((wanted, extra))
        found.add(wanted)
        for line in importlib.metadata.requires(wanted) or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                normal = re.sub(r"[-_.]+", "-", needed.name).lower()
                waiting += [(normal, one) for one in ("", *sorted(needed.extras))]
    return found - {name}


def bill_of(version: str, packages: Iterable[Package], licences: Mapping[str, str]) -> str:
    """The bill as text, the same for the same packages."""
    ours = PackageURL("pypi", None, "proofgrid", version)
    parts = {one.versioned_url: one for one in packages}
    # No clock and no chance: two runs write the same bytes.
    bill = Bom(serial_number=uuid5(NAMESPACE_URL, "\n".join([ours.to_string(), *sorted(parts)])))
    bill.metadata.timestamp = None  # type: ignore[assignment]
    bill.metadata.component = Component(
        name=ours.name, version=version, type=ComponentType.APPLICATION, purl=ours, bom_ref=ours.to_string()
    )
    for package in parts.values():
        bill.components.add(_component(package, licences.get(package.url, UNKNOWN)))
    bill.register_dependency(bill.metadata.component, bill.components)
    return str(JsonV1Dot6(bill).output_as_string(indent=2)) + "\n"


def _component(package: Package, licence: str) -> Component:
    properties = [Property(name="proofgrid:lock", value=package.lock)]
    if package.only_go_sum:
        properties.append(Property(name="proofgrid:go.sum", value=package.only_go_sum))
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=package.versioned_url,
        purl=PackageURL.from_string(package.versioned_url),
        hashes=[HashType(alg=HashAlgorithm(algorithm), content=digest) for algorithm, digest in package.hashes],
        licenses=[] if licence == UNKNOWN else [LicenseFactory().make_from_string(licence)],
        properties=properties,
    )
