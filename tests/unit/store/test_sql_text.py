"""SQL is text that this program wrote; whatever comes from outside is bound. Checked in the source itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "src/everytoken"
SQL = re.compile(
    r"(?i)\b(select\s.+\sfrom|insert\s+into|delete\s+from|update\s+\S+\s+set|alter\s+table|drop\s+table)\b", re.S
)
REVIEWED = {
    "query/filter/sql.py": 1,  # placeholders and the text of a file
    "query/langsmith_runs.py": 1,  # constants and placeholders
    "store/ledger.py": 5,  # texts of files, names of tables, conditions made of placeholders, quoted paths of a backup
    "store/columnar.py": 6,  # names of our own tables and columns, and the kinds of these
}
"""File → statements put together from pieces, each of which was read: none of the pieces is a value."""


def assembled(tree: ast.AST) -> Iterator[int]:
    """Lines of statements that are put together: f-strings with a hole, `%`, `+` and `.format`."""
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values) if any(isinstance(one, ast.FormattedValue) for one in values):
                pieces = [one.value for one in values if isinstance(one, ast.Constant)]
            case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod() | ast.Add()):
                pieces = [text]
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format")):
                pieces = [text]
            case _:
                continue
        if SQL.search(" x ".join(map(str, pieces))):
            yield node.lineno


def test_no_statement_is_put_together_but_those_that_were_reviewed() -> None:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        lines = set(assembled(ast.parse(path.read_text())))
        name = path.relative_to(SOURCE).as_posix()
        if len(lines) > REVIEWED.get(name, 0):
            found[name] = sorted(lines)
    assert found == {}


def test_the_check_sees_a_value_in_a_statement() -> None:
    for bad in (
        "f\"SELECT a FROM t WHERE name = '{name}'\"",
        "\"DELETE FROM t WHERE name = '%s'\" % name",
        '"SELECT a FROM t WHERE name = " + name',
        '"INSERT INTO t VALUES ({})".format(name)',
    ):
        assert list(assembled(ast.parse(bad))) == [1], bad
    assert list(assembled(ast.parse('query("SELECT a FROM t WHERE name = {name:String}", name)'))) == []
