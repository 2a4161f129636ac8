"""`python -m services.forecast serve|work|migrate|openapi`."""

from services.forecast import jobs
from services.forecast.app import SERVICE, contract, create_app
from services.forecast.settings import Settings
from shared import app

app.main(SERVICE, serve=lambda: create_app(Settings()), openapi=contract, work=lambda: jobs.work(Settings()))
