"""Memory is not taken for nothing. In a process of its own: what is imported once stays."""

import subprocess
import sys

SCRIPT = """
import sys
from everytoken.store import memory
memory.take_little()
import pyarrow as pa
pa.array(["a"]), pa.table({"n": pa.array([1])})
print("pandas" in sys.modules)
import pandas
print(pandas.Series([1, 2]).sum())
calls = []
memory.give_back(lambda: calls.append("purged"))
print(calls)
"""


def test_arrow_does_not_import_pandas_and_whoever_wants_it_gets_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["False", "3", "['purged']", ""]
