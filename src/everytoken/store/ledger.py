"""The ledger: runs and charges in ClickHouse SQL, by chDB in this process or by servers. One writer, a few readers."""

import contextlib
import logging
import queue
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error

from everytoken.config import Settings
from everytoken.core.charge import Charge
from everytoken.core.run import Run
from everytoken.store.clickhouse import DATABASE, embedded, remote
from everytoken.store.columnar import Layout, migrate
from everytoken.store.columns import charge_table, read_charge, read_run, run_table
from everytoken.store.errors import FolderError, StoreError, StoreUnavailableError
from everytoken.store.evidence import MARK, count_in, version_of
from everytoken.store.operations import OperationLog
from everytoken.store.reading import MAX_ROWS, TABLES, as_read_error, first_line, read_settings, sql_text
from everytoken.store.rows import ChargeRef, SettledRun, charge_ref

READERS = 4  # the scans of 2 cores saturate at 2 threads; two more keep point reads from waiting behind them
READER_WAIT_S = 30.0
MAX_TRACE_RUNS = 50_000  # a trace of 10,000 runs is the largest we promise to draw; beyond this, memory

WITH_DELETED = (*TABLES, "operations", "attachments")
"""Tables of which single rows are deleted."""

FAULTS = (ClickHouseError, Error, OSError)
"""The engine refuses, is away, or has no room: inserts pass through a file in the temporary folder, and a full disk or
too many open files there is no fault of what is written."""
log = logging.getLogger("everytoken.ledger")

QUORUM_CODE, QUORUM_TRIES, QUORUM_PAUSE_S = 286, 40, 0.05
"""On replicas an insert into a table is refused while another server's, which takes tens of milliseconds, waits for the
majority. https://clickhouse.com/docs/operations/settings/settings#insert_quorum, read 2026-11-23"""


@dataclass(frozen=True, slots=True)
class TracePlace:
    """The part of the sorting key within which all runs of one trace lie, and all of its charges."""

    trace_id: str
    projects: tuple[str, ...]
    first_us: int
    last_us: int

    def params(self) -> dict[str, Any]:
        """Bound parameters of every query that reads one trace."""
        return {
            "trace_id": self.trace_id,
            "projects": list(self.projects),
            "first_us": self.first_us,
            "last_us": self.last_us,
        }


class Ledger:
    """Thread-safe. A write is durable and idempotent when it returns; reads see all of it from then on."""

    def __init__(self, writer: Client, readers: Sequence[Client], layout: Layout, *, is_shared: bool = False) -> None:
        """`writer` is on the layout's database; its tables are made, or brought to this program's schema.

        Raises:
            FolderError: a newer everytoken wrote them.
        """
        self.is_shared = is_shared
        """Whether other servers write to it too."""
        self._layout = layout
        self._writer = writer
        self._write_lock = threading.Lock()
        self._readers: queue.LifoQueue[Client] = queue.LifoQueue()
        for reader in readers:
            self._readers.put(reader)
        self._clients = (writer, *readers)
        self.schema_version = migrate(writer, layout)
        self.operations = OperationLog(self.select, self._add)
        """What servers that share the ledger tell each other."""
        self._version = int(self.select("last_version")[0]["version"])

    @classmethod
    def open(cls, settings: Settings) -> "Ledger":
        """Open the ledger: the one at `clickhouse_url`, else the embedded one in the data folder, made when absent.

        Raises:
            FolderError: the engine cannot open it, or a newer everytoken wrote it.
            StoreError: the server is away, or refuses us, or there is a cluster without its address.
        """
        if settings.clickhouse_cluster is not None and settings.clickhouse_url is None:
            raise StoreError(
                "EVERYTOKEN_CLICKHOUSE_CLUSTER names a cluster, and nothing tells where it is",
                hint="set EVERYTOKEN_CLICKHOUSE_URL too, to one of its servers or what balances them",
            )
        return cls._shared(settings) if settings.clickhouse_url is not None else cls._embedded(settings)

    @classmethod
    def _embedded(cls, settings: Settings) -> "Ledger":
        path = settings.data_dir / "ledger"
        try:
            path.mkdir(parents=True, exist_ok=True)
            connect = embedded(settings, path)
            layout = Layout(DATABASE)
            with contextlib.ExitStack() as on_failure:
                writer = on_failure.enter_context(contextlib.closing(connect()))
                writer.command(layout.database_ddl())
                writer.database = DATABASE
                readers = [
                    on_failure.enter_context(contextlib.closing(connect(database=DATABASE))) for _ in range(READERS)
                ]
                ledger = cls(writer, readers, layout)
                ledger._tell_what_was_set_aside()
                on_failure.pop_all()
            return ledger
        except FAULTS as error:
            raise FolderError(
                f"the ledger in {path} cannot be opened: {first_line(error)}",
                hint="another process may use it; else restore it from a backup",
            ) from error

    @classmethod
    def _shared(cls, settings: Settings) -> "Ledger":
        connect, layout = remote(settings)
        try:
            with contextlib.closing(connect(database="default")) as first:
                first.command(layout.database_ddl())
            with contextlib.ExitStack() as on_failure:
                writer, *readers = (on_failure.enter_context(contextlib.closing(connect())) for _ in range(1 + READERS))
                ledger = cls(writer, readers, layout, is_shared=True)
                on_failure.pop_all()
            return ledger
        except FAULTS as error:
            raise StoreError(
                f"no ledger at EVERYTOKEN_CLICKHOUSE_URL: {first_line(error)}",
                hint="is the server up, the URL right, and may its user create tables?",
            ) from error

    def _tell_what_was_set_aside(self) -> None:
        """The engine opens without the parts that it finds damaged, and says nothing: what they held is missing."""
        broken = [f"{row['table']}/{row['name']}" for row in self.select("broken_parts")]
        if broken:
            log.error(
                "the disk has damaged the ledger; %d parts are set aside, and what they held is missing. hint: restore "
                "it from a backup, or see `detached` in the ledger's folder: %s", len(broken), ", ".join(broken[:10])
            )  # fmt: skip

    def close(self) -> None:
        """Waits for the write under way; reads after this fail."""
        with self._write_lock:
            for client in self._clients:
                client.close()

    def write(
        self,
        runs: Sequence[SettledRun],
        charges: Sequence[Charge],
        gone: Sequence[ChargeRef],
        evidence: Mapping[str, int] | None = None,
    ) -> None:
        """Store the settled state of some runs and charges; `gone` are keys that settlement no longer yields.

        Charges go first: a run is never visible without what it cost. `evidence` tells, by trace, how many operations
        it was settled from: where other servers write too, what saw more wins. Without it the later write does.

        Raises:
            StoreUnavailableError: the engine refused. Nothing is known to be stored; write the same again.
        """
        if evidence is None and self.is_shared:
            evidence = self._evidence(runs, charges, gone)
        with self._write_lock:
            # Later writes win: by the clock across restarts, by the counter when the clock stands or jumps back.
            self._version = version = max(self._version + 1, time.time_ns() // 1000)
            try:
                if charges or gone:
                    traces = [charge.trace_id for charge in charges] + [ref.trace_id for ref in gone]
                    self._insert("charge_versions", charge_table(charges, gone, _versions(traces, version, evidence)))
                if runs:
                    traces = [settled.run.trace_id for settled in runs]
                    self._insert("run_versions", run_table(runs, _versions(traces, version, evidence)))
            except FAULTS as error:
                raise StoreUnavailableError(f"the ledger refused a write: {first_line(error)}") from error

    def rewrite(self, charges: Sequence[tuple[Charge, int]]) -> int:
        """Store charges that were read, each with the version it had then, in place of what was read; how many.

        One that was settled again since is left as settlement told it.

        Raises:
            StoreUnavailableError: the engine refused. Read and write the same again.
        """
        with self._write_lock:
            now = self._versions_of([charge for charge, _ in charges])
            same = [(charge, version) for charge, version in charges if now.get(_place_of(charge)) == version]
            if not same:
                return 0
            at_ms = time.time_ns() // 1_000_000
            self._version = max(self._version + 1, time.time_ns() // 1000)
            # Another server may settle one at this moment: it saw more than what was read here, and wins.
            versions = [
                max(version + 1, version_of(count_in(version), at_ms)) if version & MARK else self._version
                for _, version in same
            ]
            try:
                self._insert("charge_versions", charge_table([charge for charge, _ in same], (), versions))
            except FAULTS as error:
                raise StoreUnavailableError(f"the ledger refused a write: {first_line(error)}") from error
        return len(same)

    def _versions_of(self, charges: Sequence[Charge]) -> dict[ChargeRef, int]:
        times = [charge.started_us for charge in charges]
        rows = self.select(
            "charge_versions_of",
            projects=sorted({charge.project for charge in charges}),
            trace_ids=sorted({charge.trace_id for charge in charges}),
            keys=sorted({charge.charge_key for charge in charges}),
            first_us=min(times, default=0),
            last_us=max(times, default=0),
            limit=MAX_ROWS,
        )
        return {
            ChargeRef(row["project"], str(row["trace_id"]), row["charge_key"], row["started_us"]): row["version"]
            for row in rows
        }

    def delete(self, project: str, trace_ids: Sequence[str] | None = None) -> None:
        """Delete the runs and charges of a project, or of some of its traces. Nothing of them is read afterwards.

        Raises:
            StoreUnavailableError: the engine refused; ask again.
        """
        if trace_ids is not None and not trace_ids:
            return
        which = "project = {project:String}"
        params: dict[str, Any] = {"project": project}
        if trace_ids is not None:
            which += " AND trace_id IN {trace_ids:Array(UUID)}"
            params["trace_ids"] = list(trace_ids)
        with self._write_lock:
            try:
                if self.is_shared:  # first, while the runs still tell which they are
                    for some in self.operations.traces_of(project, trace_ids or ()):
                        self._delete("operations", "trace_id IN {trace_ids:Array(UUID)}", {"trace_ids": some})
                # Charges go before runs: who was killed between the two finds the traces again by their runs.
                for table in reversed(TABLES):
                    self._delete(table, which, params)
            except FAULTS as error:
                raise StoreUnavailableError(f"the ledger refused to delete: {first_line(error)}") from error

    def alter(self, table: str, change: str, **params: object) -> None:
        """Change stored rows by `UPDATE … WHERE …` or `DELETE WHERE …`, with bound parameters; done when it returns.

        Writes go on meanwhile: what they bring is changed by the next call. It takes one of the readers' places.

        Raises:
            StoreUnavailableError: the engine refused, or is still at it; ask again.
        """
        statement = f"ALTER TABLE {self._layout.changed(table)} {change}"
        with self._reader() as client:
            try:
                client.command(statement, parameters=params, settings={"mutations_sync": 2})
            except FAULTS as error:
                raise StoreUnavailableError(f"the ledger refused a change: {first_line(error)}") from error

    def remove_deleted(self) -> list[str]:
        """Take off the disk what `delete` only took out of sight; the tables that had such rows.

        The engine writes the parts that hold some anew, and drops the old ones some minutes later.

        Raises:
            StoreUnavailableError: the engine refused, or is still at it; ask again.
        """
        masked = [row["table"] for row in self.select("masked_parts", {"parts": self._layout.parts})]
        found = [table for table in WITH_DELETED if self._layout.stored(table) in masked]
        for table in found:
            self.alter(table, "APPLY DELETED MASK")
        return found

    def forget_operations(self, trace_ids: Sequence[str]) -> None:
        """Delete what servers that share the ledger told each other of these traces."""
        if not self.is_shared:
            return
        with self._write_lock:
            try:
                self._delete("operations", "trace_id IN {trace_ids:Array(UUID)}", {"trace_ids": list(trace_ids)})
            except FAULTS as error:
                raise StoreUnavailableError(f"the ledger refused to delete: {first_line(error)}") from error

    def forget_attachments(self, hashes: Sequence[str], before_us: int) -> None:
        """Delete attachments that were last put before an instant."""
        which = "sha256 IN {hashes:Array(String)} AND at_us < {before_us:Int64}"
        with self._write_lock:
            try:
                self._delete("attachments", which, {"hashes": list(hashes), "before_us": before_us})
            except FAULTS as error:
                raise StoreUnavailableError(f"the ledger refused to delete: {first_line(error)}") from error

    def purge_memory(self) -> None:
        """Let the engine in this process return what it has freed to the system; servers do so by themselves."""
        if self.is_shared:
            return
        with self._write_lock, contextlib.suppress(*FAULTS):  # a build without its own allocator
            self._writer.command("SYSTEM JEMALLOC PURGE")

    def _evidence(
        self, runs: Sequence[SettledRun], charges: Sequence[Charge], gone: Sequence[ChargeRef]
    ) -> Mapping[str, int]:
        """What these traces were settled from last: a later write of the same evidence wins."""
        traces = {settled.run.trace_id for settled in runs} | {row.trace_id for row in charges}
        traces |= {ref.trace_id for ref in gone}
        versions = self.operations.versions(traces)
        return {trace_id: count_in(versions.get(trace_id, 0)) for trace_id in traces}

    def _delete(self, table: str, which: str, params: dict[str, Any]) -> None:
        self._writer.command(f"DELETE FROM {self._layout.changed(table)} WHERE {which}", parameters=params)  # noqa: S608

    def has_runs(self, project: str) -> bool:
        return bool(self.select("langsmith_any_run", project=project))

    def read_trace(self, trace_id: str, project: str | None = None) -> list[Run]:
        """All runs of a trace with everything they carried, in time order; at most `MAX_TRACE_RUNS`."""
        place = self.find_trace(trace_id, project)
        if place is None:
            return []
        rows = self.select("trace_runs_full", **place.params(), limit=MAX_TRACE_RUNS)
        return [read_run(row) for row in rows]

    def read_charges(self, place: TracePlace) -> list[Charge]:
        """All charges of a trace in time order; at most `MAX_TRACE_RUNS`."""
        return [read_charge(row) for row in self.select("trace_charges", **place.params(), limit=MAX_TRACE_RUNS)]

    def read_charge_keys(self, trace_id: str, project: str | None = None) -> list[ChargeRef]:
        rows = self.select("trace_charge_keys", trace_id=trace_id, project=project, limit=MAX_ROWS)
        return [charge_ref(row) for row in rows]

    def locate_run(self, run_id: str) -> tuple[str, str] | None:
        """Project and trace of a run, or `None` when it is not stored."""
        rows = self.select("locate_run", run_id=run_id)
        return (rows[0]["project"], str(rows[0]["trace_id"])) if rows else None

    def find_trace(self, trace_id: str, project: str | None = None) -> TracePlace | None:
        """Where the runs of a trace lie, or `None` when none is stored.

        Told the place, a read opens a few granules; without it, a share of the whole table.
        """
        places = self.select("trace_place", trace_id=trace_id, project=project)
        if not places:
            return None
        return TracePlace(
            trace_id=trace_id,
            projects=tuple(place["project"] for place in places),
            first_us=min(place["first_us"] for place in places),
            last_us=max(place["last_us"] for place in places),
        )

    def select(
        self, name: str, fragments: Mapping[str, str] | None = None, /, **params: object
    ) -> list[dict[str, Any]]:
        """Rows of `sql/<name>.sql` with these bound parameters.

        Only those of projects that the request at hand may see: the engine filters every table read.

        `fragments` takes the place of `/*name*/` marks. It is SQL that this program wrote: placeholders, never values.

        Raises:
            ReadTimeoutError: it took longer than `READ_TIMEOUT_S`.
            ReadTooLargeError: it asks for more than one answer may hold.
            StoreUnavailableError: the engine refused, or all readers stayed busy.
        """
        with self._reader() as reader:
            try:
                result = reader.query(sql_text(name, fragments), parameters=params, settings=read_settings())
            except FAULTS as error:
                raise as_read_error(error) from error
            return [dict(row) for row in result.named_results()]

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """No write begins before the context ends; what waits meanwhile is in the journal."""
        with self._write_lock:
            yield

    def dump(self, table: str, file: Path) -> int:
        """Write all rows of a table, every version of them, to a file of the embedded engine; how many they are.

        Raises:
            StoreUnavailableError: the engine refused.
        """
        return self._move(f"FUNCTION file({_quoted(file)}, 'Native')", table, f"file({_quoted(file)}, 'Native')")

    def load(self, table: str, file: Path) -> int:
        """Add the rows that `dump` wrote, be it of an older schema; how many the table has then."""
        source = f"file({_quoted(file)}, 'Native')"
        try:
            # By name: a file of an older schema lacks columns, and by their order its values would come to wrong ones.
            columns = ", ".join(_named(row[0]) for row in self._writer.query(f"DESCRIBE TABLE {source}").result_rows)
        except FAULTS as error:
            raise StoreUnavailableError(f"{file.name} could not be read: {first_line(error)}") from error
        return self._move(f"{table} ({columns})", source, table, columns)

    def _move(self, target: str, source: str, counted: str, columns: str = "*") -> int:
        try:
            self._writer.command(f"INSERT INTO {target} SELECT {columns} FROM {source}")  # noqa: S608
            rows = self._writer.query(f"SELECT count() FROM {counted}").result_rows  # noqa: S608
        except FAULTS as error:
            raise StoreUnavailableError(f"the ledger could not be copied: {first_line(error)}") from error
        return int(rows[0][0])

    def put_attachment(self, sha256: str, data: bytes) -> None:
        """Keep an attachment under the hash of its content, for all servers.

        Raises:
            StoreUnavailableError: the engine refused; put it again.
        """
        columns = {
            "sha256": pa.array([sha256.encode()], pa.binary(64)),
            "at_us": pa.array([time.time_ns() // 1000], pa.int64()),
            "data": pa.array([data], pa.binary()),
        }
        self._add("attachments", pa.table(columns))

    def attachment(self, sha256: str) -> bytes | None:
        """The content of that hash, or `None` when no server was given it."""
        rows = self.select("attachment", sha256=sha256)
        return bytes.fromhex(rows[0]["data"]) if rows else None

    def _add(self, table: str, rows: pa.Table) -> None:
        with self._write_lock:
            try:
                self._insert(table, rows)
            except FAULTS as error:
                raise StoreUnavailableError(f"the ledger refused a write: {first_line(error)}") from error

    def _insert(self, table: str, rows: pa.Table) -> None:
        for waited in range(QUORUM_TRIES):
            try:
                self._writer.insert_arrow(table, rows)
                return
            except ClickHouseError as error:
                if getattr(error, "code", None) != QUORUM_CODE or waited == QUORUM_TRIES - 1:
                    raise
                time.sleep(QUORUM_PAUSE_S * random.uniform(0.5, 1.5))  # noqa: S311 - so that servers do not meet again

    @contextlib.contextmanager
    def _reader(self) -> Iterator[Client]:
        try:
            reader = self._readers.get(timeout=READER_WAIT_S)
        except queue.Empty:
            raise StoreUnavailableError("all readers of the ledger are busy", hint="ask again") from None
        try:
            yield reader
        finally:
            self._readers.put(reader)


def _quoted(file: Path) -> str:
    text = str(file).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


def _named(column: str) -> str:
    escaped = column.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def _place_of(charge: Charge) -> ChargeRef:
    return ChargeRef(charge.project, charge.trace_id, charge.charge_key, charge.started_us)


def _versions(traces: Sequence[str], version: int, evidence: Mapping[str, int] | None) -> list[int]:
    if evidence is None:
        return [version] * len(traces)
    at_ms = time.time_ns() // 1_000_000
    return [version_of(evidence[trace_id], at_ms) for trace_id in traces]
