from services.gateway.app import create_app, openapi
from services.gateway.settings import GatewaySettings
from shared import app

app.main("gateway", serve=lambda: create_app(GatewaySettings()), openapi=openapi)
