"""What a store could not do, in words for the person who runs it."""


class StoreError(Exception):
    """`hint` says what to do next."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class FolderError(StoreError):
    """The data folder cannot be used: foreign, newer, in use, not writable, or the disk is full."""


class ReadTimeoutError(StoreError):
    """A read took longer than its time limit and was stopped."""


class ReadTooLargeError(StoreError):
    """A read would answer with more rows, or use more memory, than its bound."""


class StoreUnavailableError(StoreError):
    """The engine refused or is away; the same request may succeed later."""
