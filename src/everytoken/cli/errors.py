"""What a command could not do, in words for the person who typed it."""


class CommandError(Exception):
    """Ends the command with one line on stderr.

    `hint` says the next step. `exit_code` is 1 for a problem found, 2 for what could not be done.
    """

    def __init__(self, message: str, *, hint: str | None = None, exit_code: int = 2) -> None:
        super().__init__(message)
        self.hint = hint
        self.exit_code = exit_code
