"""Are there wheels of everything that a user installs, for every Python and machine that we promise? `make wheels`.

Reads pyproject.toml for what is needed and requirements.lock for the versions, and has pip list the wheels of each.
Nothing is downloaded or installed. Without the index it says so, and nothing was checked.

exit 0: all there, or the index is out of reach    exit 1: some machine would have to build something from source
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
GLIBC_MINOR = 28  #: 2.28: Debian 10, Ubuntu 20.04, RHEL 8 and whatever is newer
MACOS = (14, 0)
AT_ONCE = 4
UNREACHABLE = ("Retrying (Retry", "Could not fetch URL", "Network is unreachable", "ReadTimeoutError")

Environment = Mapping[str, str]  #: what markers ask for


class IndexUnreachable(Exception):
    """pip cannot ask."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of machine: its name, what markers see of it, and the platforms of wheels that run there."""

    name: str
    system: str
    processor: str
    platforms: tuple[str, ...]


def _glibc(processor: str) -> tuple[str, ...]:
    return (*(f"manylinux_2_{minor}_{processor}" for minor in range(5, GLIBC_MINOR + 1)), f"manylinux2014_{processor}")


MACHINES = (
    Machine("Linux x86-64", "linux", "x86_64", _glibc("x86_64")),
    Machine("Linux arm64", "linux", "aarch64", _glibc("aarch64")),
    Machine("macOS arm64", "darwin", "arm64", tuple(mac_platforms(MACOS, "arm64"))),
)


def environment_of(machine: Machine, python: str) -> Environment:
    """Return what markers see there."""
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine.processor,
        "platform_python_implementation": "CPython",
        "platform_system": {"linux": "Linux", "darwin": "Darwin"}[machine.system],
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": machine.system,
    }


def needed_there(direct: Iterable[Requirement], environment: Environment) -> set[str]:
    """Return the names of all packages that the requirements bring, as what is installed here declares them."""
    names: set[str] = set()
    waiting = [one for one in direct if _holds(one, environment)]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        names.add(name)
        for extra in ("", *requirement.extras):
            waiting += [
                one for one in _requires(name) if _holds(one, {**environment, "extra": extra}) and _is_new(one, names)
            ]
    return names


def _is_new(requirement: Requirement, names: set[str]) -> bool:
    return bool(requirement.extras) or canonicalize_name(requirement.name) not in names


def _requires(name: str) -> list[Requirement]:
    try:
        return [Requirement(text) for text in requires(name) or []]
    except PackageNotFoundError:  # another machine's
        return []


def _holds(requirement: Requirement, environment: Environment) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": "", **environment})


def pinned_there(lock: str, environment: Environment) -> dict[str, str]:
    """Return the version of each package that the lock chooses there, by name."""
    lines = (line.removesuffix("\\").strip() for line in lock.splitlines() if re.match(r"[A-Za-z0-9]", line))
    chosen = (one for one in map(Requirement, lines) if _holds(one, environment))
    return {canonicalize_name(one.name): str(one.specifier) for one in chosen}


def wheels_of(pinned: str) -> list[frozenset[Tag]]:
    """Return the tags of each wheel of `name==version`; raise IndexUnreachable."""
    name, _, version = pinned.partition("==")
    # For a machine that nobody has, pip tells every wheel that it finds and leaves alone.
    nowhere = ["--platform", "none", "--implementation", "none", "--abi", "none", "--python-version", "1"]
    quiet = ["--disable-pip-version-check", "--retries", "3", "--timeout", "30", "--no-deps", "--only-binary", ":all:"]
    said = subprocess.run(
        [sys.executable, "-m", "pip", "download", "-vvv", *quiet, *nowhere, pinned],
        capture_output=True,
        text=True,
        check=False,
    )
    told = said.stdout + said.stderr
    file = re.compile(rf"{name.replace('-', '[-_.]')}-{re.escape(version)}(?:-[\w.]+){{3,4}}\.whl", re.IGNORECASE)
    found = set(file.findall(told))
    # A try that was repeated and went through is none of our business.
    if not found and any(text in told for text in UNREACHABLE):
        raise IndexUnreachable
    return [parse_wheel_filename(one)[3] for one in found]


def tags_of(machine: Machine, python: str) -> frozenset[Tag]:
    """Return the tags of the wheels that run there."""
    version = tuple(int(number) for number in python.split("."))
    exact = cpython_tags(version, platforms=machine.platforms)
    interpreter = f"cp{python.replace('.', '')}"
    return frozenset([*exact, *compatible_tags(version, interpreter, machine.platforms)])


@dataclass(frozen=True, slots=True)
class Place:
    """A machine with a Python: what has to be there, and what is left out there because it has no wheel."""

    machine: Machine
    python: str
    needed: frozenset[str]  #: name==version
    left_out: frozenset[str]

    def lacking(self, wheels: Mapping[str, list[frozenset[Tag]]], which: Iterable[str]) -> list[str]:
        """Return those without a wheel."""
        runs = tags_of(self.machine, self.python)
        return sorted(one for one in which if not any(tags & runs for tags in wheels[one]))

    def report(self, wheels: Mapping[str, list[frozenset[Tag]]]) -> tuple[bool, str]:
        """Return whether all is there, and a line for people."""
        lacking = self.lacking(wheels, self.needed)
        there_now = sorted(self.left_out - set(self.lacking(wheels, self.left_out)))
        line = f"{self.machine.name:<13} Python {self.python}: {len(self.needed)} packages, "
        line += f"no wheel of {', '.join(lacking)}" if lacking else "a wheel of each"
        if self.left_out:
            line += f"; without {', '.join(sorted(self.left_out))}"
        if there_now:
            line += f", though there is one of {', '.join(there_now)}"
        return not lacking, line


def place_of(machine: Machine, python: str, direct: list[Requirement], lock: str) -> Place:
    """Return what has to be there."""
    environment = environment_of(machine, python)
    # What the lock leaves out there has no version there; then the one of another machine is meant.
    pinned = {**pinned_there(lock, environment_of(MACHINES[0], python)), **pinned_there(lock, environment)}
    names = needed_there(direct, environment)
    left_out = {canonicalize_name(one.name) for one in direct if not _holds(one, environment)} - names

    def chosen(some: Iterable[str]) -> frozenset[str]:
        return frozenset(f"{name}{pinned[name]}" for name in some if name in pinned)

    return Place(machine, python, chosen(names), chosen(left_out))


def main() -> int:
    """Print a line for each machine and Python."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = [Requirement(text) for text in project["dependencies"]]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    places = [place_of(machine, python, direct, lock) for machine in MACHINES for python in PYTHONS]
    asked = sorted(frozenset().union(*(place.needed | place.left_out for place in places)))
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            wheels = dict(zip(asked, pool.map(wheels_of, asked), strict=True))
    except IndexUnreachable:
        print("the package index cannot be reached from here: nothing was checked")
        return 0
    reports = [place.report(wheels) for place in places]
    print("\n".join(line for _, line in reports))
    return 0 if all(holds for holds, _ in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
