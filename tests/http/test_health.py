"""Test the resources /health/*."""

from dependency_injector import providers

from leads_adapters.sql import migrations
from rest import JOHN, ON_BOTH_DATABASES, Api, Service

pytestmark = ON_BOTH_DATABASES


def test_a_stopping_service_is_not_ready_and_still_serves_requests(service: Service, api: Api) -> None:
    service.anonymous().get("/health/ready").expect(200)
    service.container.graceful_shutdown()._begun = True
    refused = service.anonymous().get("/health/ready")
    assert refused.expect_problem(503, "unavailable")["detail"] == "The service is shutting down."
    assert int(refused.headers["retry-after"]) >= 1
    service.anonymous().get("/health/live").expect(200)
    api.post("/leads", JOHN).expect(201)


class Untouchable:
    """A database that fails on every use."""

    def __getattr__(self, name: str) -> object:
        async def refuse(*_: object) -> None:
            raise AssertionError(name)

        return refuse


def test_liveness_needs_no_key_and_no_database(service: Service) -> None:
    with service.container.database.override(providers.Object(Untouchable())):
        assert service.anonymous().get("/health/live").expect(200).json == {"status": "ok"}


def test_a_service_with_an_up_to_date_database_is_ready(service: Service) -> None:
    assert service.anonymous().get("/health/ready").expect(200).json == {"status": "ok"}


def test_a_service_is_not_ready_until_its_database_has_tables(service: Service) -> None:
    migrations.downgrade(service.container.engine(), "base")
    refused = service.anonymous().get("/health/ready")
    refused.expect_problem(503, "unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    migrations.upgrade(service.container.engine())
    service.anonymous().get("/health/ready").expect(200)


def test_a_service_with_an_old_schema_is_not_ready(service: Service) -> None:
    with service.container.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    service.anonymous().get("/health/ready").expect_problem(503, "unavailable")
    service.anonymous().get("/health/live").expect(200)


def test_a_positive_readiness_check_is_cached_for_a_second(service: Service) -> None:
    seconds = [100.0]
    service.container.readiness.add_kwargs(now=lambda: seconds[0])
    anonymous = service.anonymous()
    anonymous.get("/health/ready").expect(200)
    with service.container.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    seconds[0] += 0.9
    anonymous.get("/health/ready").expect(200)
    seconds[0] += 0.2
    anonymous.get("/health/ready").expect_problem(503, "unavailable")
