"""What the embedded stack is made of."""

UPSTREAMS = ("forecast", "planner")  # the services behind the gateway
SERVICES = ("gateway", *UPSTREAMS)
DATABASES = (*SERVICES, "mlflow")
ROLES = ("owner", "app")  # of each database
SUPERUSER = "postgres"  # of the embedded server
