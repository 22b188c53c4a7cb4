"""Probes: honest about the database, silent about the inside."""

from frostguard.errors import StoreUnavailableError
from tests.api.conftest import Running
from tests.api.world import Api


async def test_health_is_what_the_earlier_frontend_expects(api: Api) -> None:
    reply = await api.get("/health")
    assert (reply.status, reply.json) == (200, {"status": "ok"})


async def test_without_a_database_health_says_so_and_the_process_lives(running: Running, monkeypatch) -> None:
    async def gone() -> None:
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(running.program.lanes, "ping", gone)
    reply = await running.api.get("/health")
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    assert "gone" not in reply.body.decode()
    assert (await running.api.get("/readyz")).status == 503
    assert (await running.api.get("/livez")).status == 200


async def test_metrics_count_requests_by_route_and_status(running: Running) -> None:
    api = running.api
    await api.get("/health")
    await api.get("/nowhere")
    await api.get("/auth/me")
    text = (await api.get("/metrics")).body.decode()
    assert 'frostguard_api_requests_total{route="GET /health",status="200"} 1.0' in text
    assert 'frostguard_api_requests_total{route="GET /auth/me",status="401"} 1.0' in text
    assert 'frostguard_api_requests_total{route="none",status="404"} 1.0' in text
    assert "frostguard_api_access_trusted 1.0" in text


async def test_the_document_and_the_page_need_nothing_from_elsewhere(api: Api) -> None:
    document = (await api.get("/openapi.json")).json
    assert document["openapi"] == "3.1.0"
    page = await api.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    text = page.body.decode()
    assert "<script" not in text
    assert "//" not in text.replace("https://", "", 0).replace("<!doctype", "").partition("<h1>")[0]
