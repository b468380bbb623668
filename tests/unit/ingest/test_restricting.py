"""A key for some projects: what it sends for others is rejected or dropped, whenever that is found out."""

import uuid

import pytest

from everytoken.ingest.decode import decode
from everytoken.ingest.fold import Fold
from everytoken.ingest.parked import dump_operations, load_operations
from everytoken.ingest.restricting import FEEDBACK_FIELD, allowed_in, restrict, restricted_type
from everytoken.store.journal import Entry
from everytoken.wire.operations import Decoded, Feedback, Operation

MINE = frozenset({"mine"})
T0_US = 1_795_000_000_000_000


def posted(run_id: str, project: str | None, *, allowed: frozenset[str] | None = None, **body: object) -> Operation:
    fields = {"name": "n", "start_us": T0_US, **({"project": project} if project else {}), **body}
    return Operation("post", run_id, fields, T0_US, allowed=allowed)  # type: ignore[arg-type]  # fields of a run


def folded(*bodies: Operation) -> Fold:
    """Each as a body of its own."""
    fold = Fold(project_name=lambda _id: None, locate=lambda _id: None)
    for index, operation in enumerate(bodies):
        fold.take(zip([operation], fold.find([operation]), strict=True), T0_US + index)
        for trace in fold.traces.values():
            trace.build()
    return fold


def projects(fold: Fold) -> dict[str, str]:
    return {run_id: run.place.project for trace in fold.traces.values() for run_id, run in trace.runs.items()}


def test_the_allowed_projects_survive_the_journal_whatever_their_names() -> None:
    names = frozenset({'a"; everytoken-allowed="b', "쇼핑,몰", "x%2C"})
    assert allowed_in(restricted_type("application/json", names)) == names
    assert restricted_type("application/json", None) == "application/json"
    assert allowed_in("application/json") is None


def test_what_a_client_writes_into_its_content_type_opens_nothing() -> None:
    sent = 'application/json; everytoken-allowed="theirs"'
    assert allowed_in(restricted_type(sent, MINE)) == MINE


def test_a_body_read_again_from_the_journal_is_as_restricted_as_at_first() -> None:
    run_id = str(uuid.uuid4())
    body = b'{"id": "%s", "name": "n", "session_name": "theirs"}' % run_id.encode()
    decoded = decode(Entry("post", body, T0_US, restricted_type("application/json", MINE)), 10_000)
    assert decoded.operations == ()
    assert [(one.field, "theirs" in one.reason) for one in decoded.rejections] == [("session_name", True)]


def test_what_names_no_project_is_kept_and_marked() -> None:
    run_id = str(uuid.uuid4())
    restricted = restrict(Decoded((posted(run_id, None),), (Feedback("f", {"key": "k"}, T0_US),)), MINE)
    assert [one.allowed for one in restricted.operations] == [MINE]
    assert restricted.feedback[0].body[FEEDBACK_FIELD] == ["mine"]
    assert load_operations(dump_operations(restricted.operations))[0].allowed == MINE
    assert load_operations(dump_operations([posted(run_id, None)]))[0].allowed is None


@pytest.mark.parametrize("project", ["mine", None])
def test_a_run_does_not_join_a_trace_of_another_project(project: str | None) -> None:
    root, child = str(uuid.uuid4()), str(uuid.uuid4())
    intruder = posted(child, project, allowed=MINE, trace_id=root, parent_run_id=root)
    fold = folded(posted(root, "theirs", trace_id=root), intruder)
    assert projects(fold) == {root: "theirs"}
    assert fold.foreign == 1
    assert not fold.waiting
    assert fold.waiting_bytes == 0


def test_a_run_of_another_project_is_not_overwritten() -> None:
    root = str(uuid.uuid4())
    fold = folded(posted(root, "theirs", trace_id=root), posted(root, "mine", allowed=MINE, name="overwritten"))
    run = fold.traces[root].runs[root].run
    assert run is not None
    assert run.name == "n"
    assert fold.foreign == 1


def test_ones_own_trace_takes_children_that_name_no_project() -> None:
    root, child = str(uuid.uuid4()), str(uuid.uuid4())
    fold = folded(
        posted(root, "mine", allowed=MINE, trace_id=root),
        posted(child, None, allowed=MINE, trace_id=root, parent_run_id=root),
    )
    assert projects(fold) == {root: "mine", child: "mine"}
    assert fold.foreign == 0


def test_a_root_without_a_project_is_not_put_where_the_key_does_not_write() -> None:
    root = str(uuid.uuid4())
    fold = folded(posted(root, None, allowed=MINE, trace_id=root))
    assert projects(fold) == {}
    assert fold.foreign == 1
