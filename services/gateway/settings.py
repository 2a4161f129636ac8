from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.gateway.keys.credential import Credential
from shared.settings import Secret, ServiceSettings


class GatewaySettings(ServiceSettings):
    """The gateway's environment.

    Deadlines are in seconds. `answer_seconds` is how long an exchange with a service may stand still before the
    caller gets 504, `upload_seconds` the same for a caller that sends its body (408), `connect_seconds` how long a
    connection to a service, or a place among `most_connections` to it, may take (503). Each `checkpoint_seconds` the
    ledgers of all areas are signed. Events are kept for `event_days`. With `webhooks_private` webhooks may go to
    addresses that are not of the public Internet.
    """

    forecast_url: str
    planner_url: str
    forecast_identity_secret: Secret
    planner_identity_secret: Secret
    bootstrap_admin_key: SecretStr
    forecast_service_key: SecretStr
    planner_service_key: SecretStr

    cache_seconds: float = Field(default=5, ge=0, le=5)
    connect_seconds: float = Field(default=3, gt=0)
    answer_seconds: float = Field(default=30, gt=0)
    upload_seconds: float = Field(default=20, gt=0)
    ready_seconds: float = Field(default=3, gt=0)
    checkpoint_seconds: float = Field(default=3600, gt=0)
    event_days: float = Field(default=30, gt=0, le=3650)
    webhooks_private: bool = False
    most_connections: int = Field(default=2048, ge=1)
    most_body_bytes: int = Field(default=256 << 20, ge=1)

    @field_validator("bootstrap_admin_key", "forecast_service_key", "planner_service_key")
    @classmethod
    def _is_key(cls, key: SecretStr, info: ValidationInfo) -> SecretStr:
        parsed = Credential.parse(key.get_secret_value())
        if parsed is None or parsed.environment != info.data.get("environment"):
            raise ValueError("must be an API key of the form accord_<environment>_<id>_<secret>, for this environment")
        return key
