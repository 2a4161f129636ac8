# One image per service: docker build --build-arg SERVICE=forecast .    (gateway, forecast or planner)
# With --build-arg EXTRA=-dask the image of forecast or planner holds Dask too: docs/operations.md, "… on a cluster".
# An image holds the packages and the code of its own service and nothing else; docs/operations.md says how it is run.
ARG SERVICE

FROM python:3.12-slim AS base
ENV HOME=/tmp \
    PATH=/opt/accord/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# Wheels only: nothing is compiled, so no compiler is ever there, and no package runs code while it is installed.
FROM base AS packages
ARG SERVICE
ARG EXTRA=
COPY requirements/${SERVICE}${EXTRA}.txt /requirements.txt
RUN python -m venv --without-pip /opt/accord && \
    pip --python /opt/accord/bin/python install --no-cache-dir --only-binary :all: --require-hashes -r /requirements.txt

# /var/lib/accord is what a process may write to, beside /tmp: a volume there inherits the directory's owner.
# Code can be read by that user whatever the modes in the checkout are.
FROM base AS runtime
WORKDIR /app
RUN install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/accord
COPY --from=packages /opt/accord /opt/accord
COPY --chmod=0755 shared ./shared
COPY --chmod=0755 services/__init__.py ./services/
USER 10001:10001
EXPOSE 8000

FROM runtime AS gateway
COPY --chmod=0755 services/gateway ./services/gateway
COPY --chmod=0755 openapi ./openapi
COPY --chmod=0755 docs/errors.md ./docs/
ENTRYPOINT ["python", "-m", "services.gateway"]

FROM runtime AS forecast
COPY --chmod=0755 services/forecast ./services/forecast
ENTRYPOINT ["python", "-m", "services.forecast"]

FROM runtime AS planner
COPY --chmod=0755 services/planner ./services/planner
ENTRYPOINT ["python", "-m", "services.planner"]

# Makes databases and roles, once: docker build --build-arg SERVICE=gateway --target databases .
FROM runtime AS databases
COPY --chmod=0755 services/embedded/__init__.py services/embedded/databases.py services/embedded/errors.py \
     services/embedded/names.py services/embedded/provision.py ./services/embedded/
ENTRYPOINT ["python", "-m", "services.embedded.provision"]

FROM ${SERVICE}
