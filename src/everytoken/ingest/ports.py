"""What ingest asks of the stores: the seams at which tests put something smaller."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from everytoken.core.charge import Charge
from everytoken.core.run import Run
from everytoken.store.control import Project
from everytoken.store.operations import OperationLog
from everytoken.store.rows import ChargeRef, SettledRun


class LedgerPort(Protocol):
    @property
    def is_shared(self) -> bool: ...
    @property
    def operations(self) -> OperationLog: ...
    def put_attachment(self, sha256: str, data: bytes) -> None: ...
    def write(
        self,
        runs: Sequence[SettledRun],
        charges: Sequence[Charge],
        gone: Sequence[ChargeRef],
        evidence: Mapping[str, int] | None = None,
    ) -> None: ...
    def read_trace(self, trace_id: str, project: str | None = None) -> list[Run]: ...
    def read_charge_keys(self, trace_id: str, project: str | None = None) -> list[ChargeRef]: ...
    def locate_run(self, run_id: str) -> tuple[str, str] | None: ...


class ControlPort(Protocol):
    def ensure_project(self, name: str, at_us: int) -> Project: ...
    def projects(self) -> list[Project]: ...
