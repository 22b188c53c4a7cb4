# Two images: what runs FrostGuard (daemon, API, commands), and its broker. Nothing for tests is in them.
# Versions are pinned by tag; whoever builds for production pins the digests of that day, too (OPERATIONS.md).

FROM python:3.11.14-slim-bookworm AS build
WORKDIR /opt/frostguard
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv .venv \
 && .venv/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-input --require-hashes --no-deps \
      --requirement requirements/runtime.txt --requirement requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY frostguard/ frostguard/
COPY ingest/ ingest/
COPY api/ api/
COPY sql/ sql/
COPY systemd/ systemd/
COPY mosquitto.conf mosquitto.acl ./
# The simulator stays outside; its folder is only named by pyproject.toml.
RUN mkdir -p firmware-sim/firmware_sim \
 && .venv/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-input --no-deps \
      --no-build-isolation --no-index --editable . \
 && .venv/bin/python -m pip uninstall --quiet --yes editables hatchling pathspec pluggy trove-classifiers \
 && .venv/bin/python -m compileall -q frostguard ingest api

FROM eclipse-mosquitto:2.0.22 AS broker
COPY mosquitto.conf mosquitto.acl docker/broker.sh /etc/mosquitto/
RUN mv /etc/mosquitto/mosquitto.acl /etc/mosquitto/frostguard.acl \
 && ln -s accounts/frostguard.passwd /etc/mosquitto/frostguard.passwd \
 && install -d -o 1883 -g 1883 -m 0700 /var/lib/mosquitto /etc/mosquitto/accounts
USER 1883:1883
ENTRYPOINT ["/bin/sh", "/etc/mosquitto/broker.sh"]

FROM python:3.11.14-slim-bookworm AS frostguard
COPY --from=build /opt/frostguard /opt/frostguard
# A volume that is mounted here for the first time takes the owner over: the broker's account, and ours.
RUN install -d -o 1883 -g 1883 -m 0700 /accounts && install -d -o 10001 -g 10001 -m 0750 /var/lib/frostguard
ENV PATH=/opt/frostguard/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1
USER 10001:10001
WORKDIR /
EXPOSE 4000
CMD ["frostguard", "--help"]
