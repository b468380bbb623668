"""Every way a price file can be wrong: the file, the line and the cure are in the error."""

from pathlib import Path

import pytest

from everytoken.catalog import PriceFileError
from everytoken.catalog.price_file import MAX_FILE_BYTES, parse_prices, read_price_file

GOOD = """\
version = 1
currency = "USD"

[[price]]
provider = "acme"
models = ["m"]
rates = { input_mtok = 1, output_mtok = 4 }
source = "contract"
checked = 2026-11-01
"""


def problem(text: str) -> str:
    with pytest.raises(PriceFileError) as error:
        parse_prices(text, "my.toml", label="override:my.toml")
    assert error.value.file == "my.toml"
    assert error.value.line == error.value.problems[0].line
    assert error.value.cure
    return str(error.value)


def with_line(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


RATES = "rates = { input_mtok = 1, output_mtok = 4 }"
CASES = [
    pytest.param("version = = 1", "my.toml:1: not TOML", "correct the syntax of this line", id="syntax"),
    pytest.param(GOOD + "x = [1,", "my.toml:10: not TOML", "correct the syntax", id="unfinished"),
    pytest.param(
        with_line("version = 1\n", ""), "my.toml:1: the version of the format", "write `version = 1`", id="no version"
    ),
    pytest.param(
        with_line("version = 1", "version = 2"), "my.toml:1: the version", "write `version = 1`", id="version 2"
    ),
    pytest.param(with_line('"USD"', '"EUR"'), "my.toml:2: currency 'EUR'", "give every price in USD", id="currency"),
    pytest.param("prices = 1\n" + GOOD, "my.toml:1: unknown key `prices`", "did you mean `price`?", id="top key"),
    pytest.param("version = 1\nprice = 3\n", "my.toml:2: `price` is not a list", "`[[price]]`", id="price"),
    pytest.param(
        with_line('provider = "acme"\n', ""), "my.toml:4: `provider` is missing", "add `provider", id="no provider"
    ),
    pytest.param(with_line('"acme"', "7"), "my.toml:5: `provider` is not a text", "add `provider", id="provider"),
    pytest.param(
        with_line('models = ["m"]\n', ""), "my.toml:4: the entry does not say which", "exactly one of", id="no model"
    ),
    pytest.param(
        with_line('models = ["m"]', 'models = ["m"]\nprefix = "m"'),
        "my.toml:7: the entry says twice",
        "exactly one",
        id="two matchers",
    ),
    pytest.param(
        with_line('["m"]', '"m"'), "my.toml:6: `models` is not a list", 'write `models = ["name"]`', id="models"
    ),
    pytest.param(
        with_line('["m"]', "[]"), "my.toml:6: `models` is not a list", 'write `models = ["name"]`', id="no models"
    ),
    pytest.param(
        with_line('models = ["m"]', "regex = '('"), "my.toml:6: not a regular expression", "correct", id="regex"
    ),
    pytest.param(
        with_line(RATES, "rate = 1\n" + RATES), "my.toml:7: unknown key `rate`", "did you mean `rates`?", id="key"
    ),
    pytest.param(with_line(RATES + "\n", ""), "my.toml:4: the entry prices nothing", "add `rates`", id="nothing"),
    pytest.param(with_line(RATES, "rates = 3"), "my.toml:7: `rates` is not a table", "write `rates =", id="rates"),
    pytest.param(
        with_line("output_mtok", "output_tok"),
        "my.toml:7: unknown price key `output_tok`",
        "`output_mtok`",
        id="rate key",
    ),
    pytest.param(
        with_line("input_mtok = 1", "input_mtok = -1"),
        "my.toml:7: `input_mtok` is negative (-1)",
        "write 0 or more",
        id="negative",
    ),
    pytest.param(
        with_line("input_mtok = 1", 'input_mtok = "1"'),
        "my.toml:7: `input_mtok` is not a number ('1')",
        "without quotes",
        id="text",
    ),
    pytest.param(
        with_line("input_mtok = 1", "input_mtok = true"),
        "my.toml:7: `input_mtok` is not a number",
        "decimal number",
        id="bool",
    ),
    pytest.param(
        with_line("input_mtok = 1", "input_mtok = nan"),
        "my.toml:7: `input_mtok` is not a finite number",
        "US dollars",
        id="nan",
    ),
    pytest.param(
        with_line("input_mtok = 1", "input_mtok = inf"),
        "my.toml:7: `input_mtok` is not a finite number",
        "US dollars",
        id="inf",
    ),
    pytest.param(
        with_line("input_mtok = 1", "input_mtok = 0.1234567890123"),
        "my.toml:7: `input_mtok` has more than 12",
        "round it",
        id="places",
    ),
    pytest.param(
        with_line(RATES, RATES + "\nlong_context = { input_mtok = 2 }"),
        "my.toml:8: `long_context` has no `over`",
        "`over = 272000`",
        id="no over",
    ),
    pytest.param(
        with_line(RATES, RATES + "\nlong_context = { over = 9, cache_read_mtok = 2 }"),
        "my.toml:8: `cache_read_mtok` has no base rate",
        "add `cache_read_mtok`",
        id="step without base",
    ),
    pytest.param(
        with_line(RATES, RATES + "\ntier.flex = { cache_read_mtok = 2 }"),
        "my.toml:8: tier `flex` has no base rate for `cache_read_mtok`",
        "add `cache_read_mtok` to `rates`",
        id="tier without base",
    ),
    pytest.param(
        with_line(RATES, RATES + "\ntier.flex = { input_mtok = -2 }"),
        "my.toml:8: `input_mtok` is negative",
        "write 0 or more",
        id="negative tier",
    ),
    pytest.param(
        with_line(RATES, RATES + "\ntier.flex = {}"),
        "my.toml:8: tier `flex` has no rates",
        "a table of rates",
        id="empty tier",
    ),
    pytest.param(with_line(RATES, RATES + "\ntier = 1"), "my.toml:8: `tier` is not a table", "tier.flex", id="tier"),
    pytest.param(
        with_line(RATES, RATES + "\nbatch = { input_mtok = 1 }\ntier.batch = { input_mtok = 1 }"),
        "my.toml:9: the batch tier is given twice",
        "keep `batch` or",
        id="batch twice",
    ),
    pytest.param(
        with_line(RATES, RATES + "\nmultiply = 0.5"),
        "my.toml:8: `multiply` has nothing to multiply",
        'add `mode = "patch"`',
        id="multiply",
    ),
    pytest.param(
        with_line(RATES, RATES + '\nmode = "add"'), "my.toml:8: mode 'add'", '"replace" or "patch"', id="mode"
    ),
    pytest.param(
        with_line(RATES, "per_unit = { video_seconds = -0.1 }"),
        "my.toml:7: `video_seconds` is negative",
        "write 0 or more",
        id="per unit",
    ),
    pytest.param(with_line(RATES, "per_unit = 1"), "my.toml:7: `per_unit` is not a table", "per_unit =", id="no units"),
    pytest.param(
        with_line(RATES, RATES + '\nimage_tokens = "keep"'),
        "my.toml:8: `image_tokens` is not known",
        '"ignore"',
        id="image tokens",
    ),
    pytest.param(
        with_line(RATES, RATES + '\nimage_tokens = "ignore"'),
        "my.toml:8: without a price per image",
        "`per_unit`",
        id="free images",
    ),
    pytest.param(
        with_line(RATES, RATES + '\nunknown = ["cached"]'),
        "my.toml:8: `unknown` is not a list",
        "cache_read_mtok",
        id="unknown",
    ),
    pytest.param(
        with_line(RATES, RATES + "\nmax_input_tokens = 0"),
        "my.toml:8: `max_input_tokens` is not a count",
        "272000",
        id="longest",
    ),
    pytest.param(
        with_line(RATES, RATES + '\nvalid_from = "2026-01-01"'),
        "my.toml:8: `valid_from` is not a date",
        "without quotes",
        id="date",
    ),
    pytest.param(
        with_line(RATES, RATES + "\nvalid_from = 2026-01-01T00:00:00Z"),
        "my.toml:8: `valid_from` is not a date",
        "write a day",
        id="time",
    ),
    pytest.param(
        with_line(RATES, RATES + "\nvalid_from = 2026-01-02\nvalid_until = 2026-01-02"),
        "my.toml:9: `valid_until` is not after",
        "first day it ends",
        id="empty window",
    ),
    pytest.param(with_line('source = "contract"\n', ""), "my.toml:4: `source` is missing", "add `source", id="source"),
    pytest.param(
        with_line("checked = 2026-11-01\n", ""), "my.toml:4: `checked` is missing", "checked = 2026", id="checked"
    ),
    pytest.param(GOOD + GOOD[GOOD.index("[[") :], "my.toml:10: two entries price m", "`valid_until`", id="overlap"),
]


@pytest.mark.parametrize(("text", "where_and_what", "cure"), CASES)
def test_a_wrong_line_is_named_with_its_cure(text: str, where_and_what: str, cure: str) -> None:
    message = problem(text)
    assert message.startswith(where_and_what)
    assert cure in message


def test_the_good_file_is_good() -> None:
    (override,) = parse_prices(GOOD, "my.toml", label="override:my.toml")
    assert override.matches("acme", "m")


def test_every_wrong_line_of_a_file_is_named_in_order() -> None:
    text = GOOD.replace("input_mtok = 1", "input_mtok = -1").replace("2026-11-01", '"yesterday"')
    with pytest.raises(PriceFileError) as error:
        parse_prices(text, "my.toml", label="x")
    assert [found.line for found in error.value.problems] == [7, 9]


def test_the_line_is_found_in_the_right_entry_and_in_a_table_of_its_own() -> None:
    second = '\n[[price]]\nprovider = "acme"\nmodels = ["n"]\nsource = "s"\nchecked = 2026-11-01\n'
    text = GOOD + second + "[price.rates]\ninput_mtok = 1\noutput_mtok = -4 # negative\n"
    assert problem(text).startswith("my.toml:18: `output_mtok` is negative")


def test_entries_that_follow_one_another_in_time_do_not_overlap() -> None:
    first = GOOD + "valid_until = 2026-11-15\n"
    second = GOOD[GOOD.index("[[") :] + "valid_from = 2026-11-15\n"
    assert len(parse_prices(first + second, "my.toml", label="x")) == 2


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"missing.toml:1: the file cannot be read .*; check the path"):
        read_price_file(tmp_path / "missing.toml")


def test_a_file_that_is_not_text_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(b"version = 1\n# \xff\n")
    with pytest.raises(PriceFileError, match=r"bad.toml:2: not UTF-8 text; save the file as UTF-8"):
        read_price_file(file)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "big.toml"
    file.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(PriceFileError, match=r"larger than 4 MiB"):
        read_price_file(file)
