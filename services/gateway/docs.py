"""The contract as a document, and as a page to read and try it. Everything on the page comes from this process."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse
from starlette.staticfiles import StaticFiles

from services.gateway import contract

POLICY = "default-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'"
PROBLEMS = Path(__file__).parents[2] / "docs" / "errors.md"
FILES = "/docs/files"


def router() -> APIRouter:
    docs = APIRouter(include_in_schema=False)

    @docs.get("/openapi.json")
    async def document() -> FileResponse:
        return FileResponse(contract.PUBLISHED, media_type="application/json")

    @docs.get("/docs")
    async def page() -> HTMLResponse:
        html = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Accord API",
            swagger_js_url=f"{FILES}/swagger-ui-bundle.js",
            swagger_css_url=f"{FILES}/swagger-ui.css",
            swagger_favicon_url=f"{FILES}/favicon.png",
        )
        html.headers["Content-Security-Policy"] = POLICY
        return html

    @docs.get("/docs/errors")
    async def problems() -> FileResponse:
        return FileResponse(PROBLEMS, media_type="text/plain; charset=utf-8")

    return docs


def page_files() -> StaticFiles:
    """Swagger UI, as its package brings it."""
    return StaticFiles(directory=str(files("fastapi_offline") / "static"))
