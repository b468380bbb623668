"""What a filter asks of feedback, which lies in the control data and not beside the runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.fields import PAIRS
from everytoken.query.filter.tree import SIGNS, Compare, Scalar, Value
from everytoken.query.filter.values import items_of, name_of, number_of, plain_of


@dataclass(frozen=True, slots=True)
class FeedbackTest:
    """One comparison of a feedback's own field: `key`, `score`, `value`, `comment` or `source`."""

    name: str
    operator: str
    value: Value


FeedbackRuns = Callable[[Sequence[FeedbackTest]], Sequence[str]]
"""Ids of the runs with one piece of feedback that passes all the tests."""


def feedback_test(compare: Compare) -> FeedbackTest:
    """The test of a comparison whose field is one of feedback's.

    Raises:
        FilterError: an operator or a value that does not fit.
    """
    operator, value = compare.operator, compare.value
    part = PAIRS[name_of(compare.name)].part
    if operator not in (*SIGNS, "in", "like") or (operator == "like" and part == "score"):
        raise FilterError(f"{operator} has no meaning for feedback", compare.position, "use eq, in, gt or lt")
    if value.value is None and operator not in ("eq", "neq"):
        raise FilterError(f"{operator} has no meaning for null", value.position, f"write eq(feedback_{part}, null)")
    if value.value is None:
        return FeedbackTest(part, operator, None)

    def read(item: Value) -> Scalar:
        if part != "score":
            return plain_of(item)
        return float(item) if isinstance(item, bool) else number_of(item, value)

    if operator == "in":
        return FeedbackTest(part, operator, tuple(read(item) for item in items_of(value)))
    return FeedbackTest(part, operator, read(value.value))
