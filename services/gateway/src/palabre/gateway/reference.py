"""/docs: the OpenAPI description as a page that loads nothing from elsewhere."""

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1c2b27; background: #fdfcf9 }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
h3 code { background: #e5efe9; padding: .15em .4em; border-radius: .3em }
pre { background: #f1efe8; padding: .8em; overflow-x: auto; border-radius: .4em }
table { border-collapse: collapse } td, th { text-align: left; padding: .2em 1em .2em 0 }
@media (prefers-color-scheme: dark) { body { color: #e6ece9; background: #16201d }
  h3 code { background: #28443a } pre { background: #1f2b27 } a { color: #9ad3bd } }
"""
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}


@router.get("/docs")
async def reference(request: Request) -> HTMLResponse:
    """Every address, what it takes and what it gives."""
    return HTMLResponse(page(request.app.openapi()), headers=_HEADERS)


def page(schema: dict[str, Any]) -> str:
    groups: dict[str, list[str]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_entry(path, method, operation))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(all_)}" for tag, all_ in groups.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Palabre: API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><h1>Palabre: API</h1>"
        "<p>Send a token: <code>Authorization: Bearer &lt;token&gt;</code>. Failures are"
        " <code>application/problem+json</code>, or OpenAI’s shape below <code>/v1/</code>."
        ' The machine-readable description is <a href="/openapi.json">openapi.json</a>.</p>'
        f"{body}<h2>Shapes</h2>{_shapes(schema)}</html>"
    )


def _entry(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code><td>{p['in']}"
        f"<td>{'required' if p.get('required') else ''}"
        for p in operation.get("parameters", ())
    )
    body = _body(operation)
    return (
        f"<h3><code>{method.upper()} {escape(path)}</code></h3>"
        f"<p>{escape(operation.get('description', ''))}</p>"
        f"{f'<table>{rows}</table>' if rows else ''}{body}"
    )


def _body(operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    kinds = (f"{escape(kind)} {_link(value['schema'])}" for kind, value in content.items())
    return f"<p>Body: {', '.join(kinds)}</p>" if content else ""


def _link(schema: dict[str, Any]) -> str:
    name = _name(schema)
    return f'<a href="#{escape(name)}">{escape(name)}</a>' if name else ""


def _name(schema: dict[str, Any]) -> str:
    named = next((s for s in (schema, *schema.get("anyOf", ())) if "$ref" in s), schema)
    return str(named.get("$ref", named.get("title", ""))).rpartition("/")[2]


def _shapes(schema: dict[str, Any]) -> str:
    shapes = schema.get("components", {}).get("schemas", {})
    return "".join(
        f'<h3 id="{escape(name)}">{escape(name)}</h3><pre>{escape(_fields(shape))}</pre>'
        for name, shape in sorted(shapes.items())
    )


def _fields(shape: dict[str, Any]) -> str:
    required = shape.get("required", ())
    return "\n".join(
        f"{name}: {_kind(value)}{'' if name in required else ' (optional)'}"
        f"{'  ' + value['description'] if 'description' in value else ''}"
        for name, value in shape.get("properties", {}).items()
    )


def _kind(value: dict[str, Any]) -> str:
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"])
    if "enum" in value or "const" in value:
        return " | ".join(repr(one) for one in value.get("enum", [value.get("const")]))
    if value.get("type") == "array":
        return f"[{_kind(value.get('items', {}))}]"
    return _name(value) if "$ref" in value else str(value.get("type", "any"))
