from pydantic import Field, SecretStr, ValidationInfo, field_validator

from services.gateway.keys.credential import Credential
from shared.settings import Secret, ServiceSettings


class GatewaySettings(ServiceSettings):
    """The gateway's environment. Limits are those of one process: gateways share no counts.

    `forecast_url`, `planner_url`: of one process, or of several with commas between.
    Deadlines are in seconds. `answer_seconds` is how long an exchange with a service may stand still before the
    caller gets 504, `upload_seconds` the same for a caller that sends its body (408), who then must also keep up
    `least_upload_rate` bytes a second; `connect_seconds` how long a connection to a service may take (503).
    A process that fails `most_failures` times in a row is left alone for `circuit_seconds`; where a service has
    several, all are asked each `health_seconds` whether they are ready, with `ready_seconds` for the answer.
    One principal may make `most_calls` in `calls_seconds`, and have `most_calls_at_a_time` under way; calls that wait
    or follow events are counted apart (`most_streams`). `most_area_…` are the same for all callers of one area, and
    `most_connections` are all calls under way to one service.
    Each `checkpoint_seconds` the ledgers of all areas are signed. Events are kept for `event_days`. With
    `webhooks_private` webhooks may go to addresses that are not of the public Internet. `cors_origins`: origins,
    with commas between, whose pages may call from a browser.
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
    health_seconds: float = Field(default=1, gt=0)
    circuit_seconds: float = Field(default=2, gt=0)
    checkpoint_seconds: float = Field(default=3600, gt=0)
    event_days: float = Field(default=30, gt=0, le=3650)
    webhooks_private: bool = False
    cors_origins: str = ""
    calls_seconds: int = Field(default=10, ge=1)
    most_calls: int = Field(default=3000, ge=1)
    most_calls_at_a_time: int = Field(default=64, ge=1)
    most_area_calls_at_a_time: int = Field(default=128, ge=1)
    most_streams: int = Field(default=250, ge=1)
    most_area_streams: int = Field(default=500, ge=1)
    most_connections: int = Field(default=2048, ge=1)
    most_failures: int = Field(default=5, ge=1)
    most_body_bytes: int = Field(default=256 << 20, ge=1)
    least_upload_rate: int = Field(default=1024, ge=1)

    @field_validator("bootstrap_admin_key", "forecast_service_key", "planner_service_key")
    @classmethod
    def _is_key(cls, key: SecretStr, info: ValidationInfo) -> SecretStr:
        parsed = Credential.parse(key.get_secret_value())
        if parsed is None or parsed.environment != info.data.get("environment"):
            raise ValueError("must be an API key of the form accord_<environment>_<id>_<secret>, for this environment")
        return key
