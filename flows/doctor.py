"""What is wrong with this installation, if anything, and what to do about each."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.doctor_server import Finding, server_findings, well, wrong
from tasks.check_store import check_store, free_bytes
from warehouse.config import store_root

ROOM_BYTES = 2 * 10**9
"""A night of the larger size writes about one gigabyte."""
SHOWN = 5
"""So many damaged files are named; the rest are counted."""


class Examination(BaseModel):
    """What was looked at and found."""

    model_config = ConfigDict(frozen=True)

    findings: list[Finding]

    @property
    def is_well(self) -> bool:
        """Return whether nothing is wrong."""
        return all(finding.state == "well" for finding in self.findings)

    def __str__(self) -> str:
        """Return the findings as a table for a terminal."""
        table = Table("check", "state")
        for name in ("found", "what to do"):
            table.add_column(name, overflow="fold")  # a path that is cut cannot be copied
        for each in self.findings:
            style = "green" if each.state == "well" else "bold red"
            table.add_row(each.check, f"[{style}]{each.state}[/]", escape(each.found), escape(each.to_do))
        console = Console()
        with console.capture() as text:
            console.print(table)
        return text.get().rstrip()


def examine(port: int, store: str | None, *, deep: bool) -> Examination:
    """Look at packages, server and store.

    Parameters
    ----------
    port
        Where a server of this machine answers, if PREFECT_API_URL names none.
    store
        The store's folder; None: as everywhere.
    deep
        Whether to read every published file and compare its hash.
    """
    return Examination(findings=[versions("sawtooth"), *server_findings(port), *store_findings(store, deep=deep)])


def versions(package: str) -> Finding:
    """Return whether what a package requires is installed, in the versions that it was tested with."""
    wanted = [Requirement(each) for each in requires(package) or []]
    needed = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    said = [problem for each in needed if (problem := _problem(each))]
    if said:
        return wrong("versions", "; ".join(said), "pip install -c constraints.txt -e . (or: make setup)")
    return well("versions", f"{len(needed)} packages within their caps")


def _problem(requirement: Requirement) -> str | None:
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(installed, prereleases=True):
        return None
    return f"{requirement.name} is {installed}, wanted {requirement.specifier}"


def store_findings(store: str | None, *, deep: bool) -> Iterator[Finding]:
    """Yield whether there is room, and whether what was published can be read."""
    root = store_root(store)
    free = free_bytes(store)
    if free < ROOM_BYTES:
        yield wrong("disk", f"{free / 1e9:.1f} GB free under {root}", "free space, or choose another folder (--store)")
    else:
        yield well("disk", f"{free / 1e9:.1f} GB free under {root}")
    checkup = check_store(store, deep=deep)
    if checkup.wrong:
        more = f"; and {len(checkup.wrong) - SHOWN} more" if len(checkup.wrong) > SHOWN else ""
        found = "; ".join(checkup.wrong[:SHOWN]) + more
        yield wrong("store", found, "remove the folder named and ask again: it is made anew")
    else:
        how = "all hashes compared" if deep else "all files there (--deep true compares their hashes)"
        yield well("store", f"{checkup.folders} published folders, {how}")
