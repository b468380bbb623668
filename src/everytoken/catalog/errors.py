"""What is wrong with a price file, line by line, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PriceProblem:
    file: str
    line: int
    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.cure}"


class PriceFileError(ValueError):
    """A price file was refused as a whole; prices loaded before stay in force."""

    def __init__(self, problems: Sequence[PriceProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    @property
    def file(self) -> str:
        return self.problems[0].file

    @property
    def line(self) -> int:
        """Line of the first problem, from 1."""
        return self.problems[0].line

    @property
    def cure(self) -> str:
        return self.problems[0].cure
