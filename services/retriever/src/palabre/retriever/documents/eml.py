"""E-mails: who wrote when about what, the text, and the attachments that can be read."""

import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.utils import parsedate_to_datetime

from selectolax.lexbor import LexborHTMLParser

from palabre.retriever.documents.formats import complete, convert
from palabre.retriever.documents.markup import collect
from palabre.retriever.documents.structure import Document, Outline, Source
from palabre.retriever.errors import InvalidDocument

_NOISE = "script, style, head, svg, iframe, form, [hidden]"
_MAX_ATTACHMENTS = 50
_MAX_DEPTH = 3
_MAX_HEADER = 4_000


def read_eml(source: Source) -> Document:
    """The subject is the title; an attachment is a heading. Raises InvalidDocument."""
    message = message_from_bytes(source.data, policy=policy.default)
    if not isinstance(message, EmailMessage) or not _named(message):
        raise InvalidDocument(
            source.name, "is no e-mail", "export it from the mail program as .eml"
        )
    return _read(message, source.name, 0)


def _read(message: EmailMessage, name: str, depth: int) -> Document:
    outline = Outline()
    outline.block(_envelope(message))
    _body(message, outline)
    sections, remarks = list(outline.sections()), []
    for attached, document in _attachments(message, name, depth):
        if isinstance(document, InvalidDocument):
            remarks.append(f"Its attachment {attached} was left out: it {document.reason}.")
        else:
            remarks.extend(f"{attached}: {remark}" for remark in document.remarks)
            sections += [replace(s, headings=(attached, *s.headings)) for s in document.sections]
    return Document(tuple(sections), title=_header(message, "Subject"), remarks=tuple(remarks))


def _named(message: EmailMessage) -> bool:
    """Anything before the first empty line passes for headers; a mail has some of these."""
    return not {"from", "date"}.isdisjoint(name.lower() for name, _ in _raw(message))


def _envelope(message: EmailMessage) -> str:
    lines = {key: _header(message, key) for key in ("From", "To", "Subject")}
    lines["Date"] = _date(message)
    return "\n".join(f"{key}: {value}" for key, value in lines.items() if value)


def _header(message: EmailMessage, key: str) -> str:
    """Broken headers are as good as none, and so are long ones: parsing them takes minutes."""
    if any(name.lower() == key.lower() and len(said) > _MAX_HEADER for name, said in _raw(message)):
        return ""
    try:
        return re.sub(r"[ \t\r\n]+", " ", str(message.get(key) or "")).strip()
    except (ValueError, IndexError, AttributeError, MessageError):
        return ""


def _raw(message: EmailMessage) -> Iterator[tuple[str, str]]:
    return ((name, str(said)) for name, said in message.raw_items())


def _date(message: EmailMessage) -> str:
    said = _header(message, "Date")
    try:
        return f"{parsedate_to_datetime(said):%Y-%m-%d %H:%M}" if said else ""
    except ValueError:
        return said


def _body(message: EmailMessage, outline: Outline) -> None:
    part = message.get_body(("html", "plain"))
    if part is None:
        return
    text = _text(part)
    if part.get_content_subtype() != "html":
        for paragraph in text.replace("\r\n", "\n").split("\n\n"):
            outline.block(paragraph)
        return
    tree = LexborHTMLParser(text)
    for node in tree.css(_NOISE):
        node.decompose()
    if tree.body:
        collect(tree.body, outline)


def _text(part: MIMEPart) -> str:
    """In the charset that the part names, or the likeliest one when there is no such charset."""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    try:
        return data.decode(part.get_content_charset("utf-8"))
    except (LookupError, UnicodeDecodeError):
        return data.decode("windows-1252", "replace")


def _attachments(
    message: EmailMessage, name: str, depth: int
) -> Iterator[tuple[str, Document | InvalidDocument]]:
    """What is shown inside the text, such as a logo, is no attachment."""
    for number, part in enumerate(message.iter_attachments(), 1):
        attached = part.get_filename() or f"{number}"
        if part.get_content_disposition() == "inline" and part.get("Content-ID"):
            continue
        try:
            if number > _MAX_ATTACHMENTS or depth >= _MAX_DEPTH:
                raise InvalidDocument(attached, "is one of too many", "send it by itself")
            yield attached, _attachment(part, attached, depth)
        except InvalidDocument as error:
            yield attached, error


def _attachment(part: EmailMessage, attached: str, depth: int) -> Document:
    """Raises InvalidDocument."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_content()
        if isinstance(inner, EmailMessage):
            return _read(inner, attached, depth + 1)
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data.strip():
        raise InvalidDocument(attached, "is empty", "send it by itself")
    if attached.lower().endswith(".eml"):
        return _read(_message(data), attached, depth + 1)
    return complete(attached, convert(attached, data))


def _message(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    return message if isinstance(message, EmailMessage) else EmailMessage()
