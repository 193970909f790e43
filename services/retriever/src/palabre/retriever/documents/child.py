"""The process in which rich formats are read: `python -I -m palabre.retriever.documents.child`."""

from typing import Any

from palabre.chassis.confinement import frame, serve
from palabre.retriever.documents.formats import convert, preload, render
from palabre.retriever.documents.stored import to_json
from palabre.retriever.errors import InvalidDocument


def main() -> None:
    preload()
    serve(_replied)


def _replied(header: dict[str, Any], data: bytes) -> bytes:
    name = header["name"]
    try:
        if header["does"] == "render":
            return frame({}, render(name, data, header["page"]))
        said = (header[key] for key in ("media_type", "front_matter", "language"))
        document = convert(name, data, *said)
        return frame({}, to_json(document))
    except InvalidDocument as error:
        return frame({"refused": [error.document, error.reason, error.remedy]})
    except RecursionError:
        return frame({"refused": [name, "is nested too deeply", "make its structure flatter"]})


if __name__ == "__main__":
    main()
