"""What a question could not find."""


class NotFoundError(Exception):
    """No such project, trace or run. `field` names the part of the request that named it."""

    def __init__(self, message: str, *, field: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.hint = hint


class CursorError(ValueError):
    """A cursor that this server did not hand out."""
