"""`python -m services.planner serve|work|migrate|openapi`."""

from services.planner.app import contract, create_app
from services.planner.settings import Settings
from shared import app


def work() -> None:
    from services.planner import jobs  # noqa: PLC0415  the engine is loaded where plans are made, not to serve HTTP

    jobs.run(Settings())


if __name__ == "__main__":
    app.main("planner", serve=lambda: create_app(Settings()), openapi=contract, work=work)
