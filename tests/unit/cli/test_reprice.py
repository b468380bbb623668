"""Repricing through the API: the server's answers become one table."""

from typing import Any

from everytoken.cli.reprice import every_answer, merged


def answer(next_cursor: str | None, *rows: dict[str, Any], applied: bool = False) -> dict[str, Any]:
    figures = ("charges", "changed", "newly_priced", "newly_unpriced")
    return {
        "applied": applied,
        "next": next_cursor,
        "rows": list(rows),
        **{name: sum(row[name] for row in rows) for name in figures},
        "before_usd": rows[0]["before_usd"] if rows else "0",
        "after_usd": rows[0]["after_usd"] if rows else "0",
    }


def row(day: str, before: str, after: str) -> dict[str, Any]:
    return {"day": day, "provider": "openai", "model": "gpt-5.2", "charges": 2, "changed": 1, "before_usd": before,
            "after_usd": after, "newly_priced": 1, "newly_unpriced": 0}  # fmt: skip


class Api:
    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        assert (method, path) == ("POST", "/reprice")
        self.asked.append(dict(body or {}))
        return self.answers.pop(0)


def test_it_goes_on_until_the_server_has_looked_at_all() -> None:
    api = Api(answer("c1"), answer(None))
    assert len(list(every_answer(api, {"project": "shop", "apply": True}))) == 2
    assert api.asked == [
        {"project": "shop", "apply": True, "cursor": None},
        {"project": "shop", "apply": True, "cursor": "c1"},
    ]


def test_a_day_and_model_of_two_answers_is_one_row() -> None:
    told = merged(
        [answer("c", row("2026-11-22", "0.1", "0.3")), answer(None, row("2026-11-22", "1.5", "1"), applied=True)]
    )
    assert told["applied"] is True
    assert told["rows"] == [
        {"day": "2026-11-22", "provider": "openai", "model": "gpt-5.2", "charges": 4, "changed": 2,
         "before_usd": "1.6", "after_usd": "1.3", "difference_usd": "-0.3", "newly_priced": 2, "newly_unpriced": 0}
    ]  # fmt: skip
    assert (told["before_usd"], told["after_usd"], told["changed"]) == ("1.6", "1.3", 2)


def test_nothing_to_change_is_an_empty_table_of_zeros() -> None:
    told = merged([answer(None)])
    assert (told["rows"], told["difference_usd"], told["changed"]) == ([], "0", 0)
