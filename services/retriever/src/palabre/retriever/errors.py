"""What goes wrong with documents, said so that the person who sent one can act.

InvalidDocument   the file itself: empty, unreadable, too large, of an unknown kind
UnknownDocument   no such document for this reader
UnknownVersion    no such version of a document is kept
ChangedMeanwhile  a document is no longer what its reader has begun to read
NoRoom            there may be no further snapshot now
UnknownSnapshot   the knowledge as it was has been dropped, or never was
"""


class InvalidDocument(ValueError):
    """The message names the document, the reason and the remedy."""

    def __init__(self, document: str, reason: str, remedy: str) -> None:
        super().__init__(f"{document}: {reason}: {remedy}")
        self.document, self.reason, self.remedy = document, reason, remedy


class UnknownDocument(KeyError):
    """There is no such document, or the reader may not know of it."""

    def __init__(self, document: str) -> None:
        super().__init__(document)
        self.document = document

    def __str__(self) -> str:
        return f"{self.document}: no such document: list the space's documents to see their names"


class UnknownVersion(KeyError):
    """There is no such version, it is not kept any more, or its beginning fits several."""

    def __init__(self, document: str, version: str) -> None:
        super().__init__(document)
        self.document, self.version = document, version

    def __str__(self) -> str:
        return f"{self.document}: no one version {self.version!r} is kept: list its versions"


class ChangedMeanwhile(RuntimeError):
    """The pages that were read before are another version's."""

    def __init__(self, document: str) -> None:
        super().__init__(f"{document}: has changed meanwhile: read it again from its beginning")


class UnknownSnapshot(KeyError):
    """There is none of this name, or it has expired."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"there is no snapshot {self.name!r} of the knowledge any more: make a new one"


class NoRoom(RuntimeError):
    """One is being made, or there are as many as may be; the message says what to do."""
