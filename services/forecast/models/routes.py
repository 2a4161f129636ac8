from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Path, Request, Response

from services.forecast.models import approvals, card, challengers, promotions, rules, service, versions
from services.forecast.models.schemas import (
    MOST_VERSION,
    ChallengerIn,
    ChallengerOut,
    ChampionOut,
    ModelApprovalIn,
    ModelApprovalOut,
    ModelCardOut,
    ModelVersionOut,
    PromotionIn,
    PromotionOut,
    PromotionRulesIn,
    PromotionRulesOut,
    RollbackIn,
    TrainingRunIn,
    TrainingRunOut,
    TrainingScheduleIn,
    TrainingScheduleOut,
)
from services.forecast.models.tables import Approval, ModelVersion, Promotion, TrainingRun
from shared import etag, waiting
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read, Write
from shared.etag import IfMatch
from shared.paging import Page, Paging, page
from shared.principal import Caller

router = strict_router(tags=["Models"])
VersionPath = Annotated[int, Path(ge=1, le=MOST_VERSION)]
RUNS = waiting.Runs(TrainingRun, lambda _, run: TrainingRunOut.of(run))


@router.post(
    "/training-runs",
    operation_id="start_training_run",
    status_code=202,
    responses=problems(400, 413, 415),
    dependencies=[RUNS.prefer],
)
def start_training_run(body: TrainingRunIn, who: Caller, session: Write, response: Response) -> TrainingRunOut:
    """Train a model: backtest against seasonal naive, then a new version in MLflow."""
    run = service.start(session, who, body)
    response.headers["Location"] = f"/v1/areas/{run.area}/training-runs/{run.id}"
    return TrainingRunOut.of(run)


@router.get("/training-runs", operation_id="list_training_runs", responses=problems())
def list_training_runs(who: Caller, session: Read, asked: Paging) -> Page[TrainingRunOut]:
    """List training runs, newest first."""
    keys = [TrainingRun.created_at, TrainingRun.id]
    rows, following = page(session, service.runs(who.area.area), keys, asked, descending=True)
    return Page(items=[TrainingRunOut.of(row) for row in rows], next_cursor=following)


@router.get(
    "/training-runs/{run_id}", operation_id="get_training_run", responses=problems(), dependencies=[RUNS.prefer]
)
def get_training_run(run_id: UUID, who: Caller, session: Read) -> TrainingRunOut:
    """Show a training run."""
    return TrainingRunOut.of(service.one(session, who.area.area, run_id))


RUNS.events(router, "/training-runs/{run}/events", operation_id="follow_training_run", responses=problems())


@router.post("/training-runs/{run_id}/cancel", operation_id="cancel_training_run", responses=problems())
def cancel_training_run(run_id: UUID, who: Caller, session: Write) -> TrainingRunOut:
    """Ask a training run to stop; one that has ended stays as it is."""
    return TrainingRunOut.of(service.cancel(session, who.area.area, run_id))


@router.get("/models/versions", operation_id="list_model_versions", responses=problems())
def list_model_versions(who: Caller, session: Read, asked: Paging) -> Page[ModelVersionOut]:
    """List model versions, newest first."""
    found = versions.versions(who.area.area)
    rows, following = page(session, found, [ModelVersion.version], asked, descending=True)
    return Page(items=[ModelVersionOut.model_validate(row) for row in rows], next_cursor=following)


@router.get("/models/versions/{version}", operation_id="get_model_version", responses=problems())
def get_model_version(version: VersionPath, who: Caller, session: Read) -> ModelVersionOut:
    """Show a model version with its backtest."""
    return ModelVersionOut.model_validate(versions.one(session, who.area.area, version))


@router.get(
    "/models/versions/{version}/card",
    operation_id="get_model_card",
    response_model=ModelCardOut,
    responses=problems() | {200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
def get_model_card(
    version: VersionPath, who: Caller, session: Read, accept: Annotated[str, Header()] = "application/json"
) -> Any:
    """Show what a model version is, how good it was and where not to trust it; `Accept: text/markdown` to read."""
    found = versions.card(session, who.area.area, version)
    return Response(card.markdown(found), media_type="text/markdown") if "text/markdown" in accept else found


@router.get("/models/champion", operation_id="get_champion", responses=problems())
def get_champion(who: Caller, session: Read, response: Response) -> ChampionOut:
    """Show the champion. The ETag is that of the promotions, which a promotion sends as If-Match."""
    promotion, model = promotions.champion(session, who.area.area)
    response.headers["ETag"] = etag.of(promotion.sequence)
    return ChampionOut.of(promotion, model)


@router.get("/models/challenger", operation_id="get_challenger", responses=problems())
def get_challenger(who: Caller, session: Read, response: Response) -> ChallengerOut:
    """Show the challenger, if there is one. Its ETag is what the next change sends as If-Match."""
    area = who.area.area
    found = ChallengerOut.of(challengers.newest(session, area), challengers.current(session, area))
    response.headers["ETag"] = etag.of(found.sequence)
    return found


@router.put("/models/challenger", operation_id="put_challenger", responses=problems(400, 409, 412, 413, 415, 428))
def put_challenger(
    body: ChallengerIn, version: IfMatch, who: Caller, session: Write, response: Response
) -> ChallengerOut:
    """Let a version forecast whatever the champion forecasts, stored and measured but not served; null ends it."""
    row = challengers.mark(session, who, version, body)
    response.headers["ETag"] = etag.of(row.sequence)
    return ChallengerOut.of(row, challengers.current(session, row.area))


@router.get("/models/promotions", operation_id="list_promotions", responses=problems())
def list_promotions(who: Caller, session: Read, asked: Paging, response: Response) -> Page[PromotionOut]:
    """List promotions, newest first. The ETag is what the next promotion sends as If-Match."""
    area = who.area.area
    response.headers["ETag"] = etag.of(promotions.current(session, area))
    rows, following = page(session, promotions.promotions(area), [Promotion.sequence], asked, descending=True)
    return Page(items=[PromotionOut.model_validate(row) for row in rows], next_cursor=following)


@router.post(
    "/models/promotions",
    operation_id="promote_model",
    status_code=201,
    responses=problems(400, 409, 412, 413, 415, 428),
)
def promote_model(
    body: PromotionIn, version: IfMatch, who: Caller, session: Write, request: Request, response: Response
) -> PromotionOut:
    """Make a model version the champion; every forecast that is asked for from now on is made with it."""
    promotion = promotions.promote(session, who, version, body, request.app.state.settings.model_cache)
    response.headers["ETag"] = etag.of(promotion.sequence)
    return PromotionOut.model_validate(promotion)


@router.post(
    "/models/rollbacks",
    operation_id="roll_model_back",
    status_code=201,
    responses=problems(400, 409, 412, 413, 415, 428),
)
def roll_model_back(
    body: RollbackIn, version: IfMatch, who: Caller, session: Write, request: Request, response: Response
) -> PromotionOut:
    """Return to the champion before the present one."""
    promotion = promotions.roll_back(session, who, version, body.reason, request.app.state.settings.model_cache)
    response.headers["ETag"] = etag.of(promotion.sequence)
    return PromotionOut.model_validate(promotion)


@router.post(
    "/models/versions/{version}/approvals",
    operation_id="approve_model",
    status_code=201,
    responses=problems(400, 413, 415),
)
def approve_model(version: VersionPath, body: ModelApprovalIn, who: Caller, session: Write) -> ModelApprovalOut:
    """Approve or reject a model version that somebody else has trained."""
    newest = promotions.newest(session, who.area.area)
    made = approvals.decide(session, who, version, newest.version if newest else None, body)
    return ModelApprovalOut.model_validate(made)


@router.get("/models/versions/{version}/approvals", operation_id="list_model_approvals", responses=problems())
def list_model_approvals(version: VersionPath, who: Caller, session: Read, asked: Paging) -> Page[ModelApprovalOut]:
    """List what was said of a model version, newest first."""
    found = approvals.approvals(who.area.area, version)
    rows, following = page(session, found, [Approval.sequence], asked, descending=True)
    return Page(items=[ModelApprovalOut.model_validate(row) for row in rows], next_cursor=following)


@router.get("/models/promotion-rules", operation_id="get_promotion_rules", responses=problems())
def get_promotion_rules(who: Caller, session: Read, response: Response) -> PromotionRulesOut:
    """Show what a version must show before it may become champion."""
    found = rules.rules(session, who.area.area)
    response.headers["ETag"] = etag.of(found.version)
    return found


@router.put("/models/promotion-rules", operation_id="put_promotion_rules", responses=problems(400, 412, 413, 415, 428))
def put_promotion_rules(
    body: PromotionRulesIn, version: IfMatch, who: Caller, session: Write, response: Response
) -> PromotionRulesOut:
    """Say what a version must show; versions that are trained keep the gates that were judged."""
    changed = rules.put(session, who, version, body)
    response.headers["ETag"] = etag.of(changed.version)
    return changed


@router.get("/training-schedule", operation_id="get_training_schedule", responses=problems())
def get_training_schedule(who: Caller, session: Read, response: Response) -> TrainingScheduleOut:
    """Show when the area trains a challenger by itself."""
    found = rules.schedule(session, who.area.area)
    response.headers["ETag"] = etag.of(found.version)
    return found


@router.put("/training-schedule", operation_id="put_training_schedule", responses=problems(400, 412, 413, 415, 428))
def put_training_schedule(
    body: TrainingScheduleIn, version: IfMatch, who: Caller, session: Write, response: Response
) -> TrainingScheduleOut:
    """Say when the area trains a challenger by itself."""
    changed = rules.put_schedule(session, who, version, body)
    response.headers["ETag"] = etag.of(changed.version)
    return changed
