"""The resources /health/*."""

from dependency_injector import providers

from leads_adapters.sql import migrations
from rest import JOHN, ON_BOTH_DATABASES, Api, Service

pytestmark = ON_BOTH_DATABASES


def test_a_service_that_is_about_to_stop_is_not_ready_and_goes_on(service: Service, api: Api) -> None:
    service.anonymous().get("/health/ready").expect(200)
    service.container.graceful_shutdown()._begun = True
    refused = service.anonymous().get("/health/ready")
    assert refused.expect_problem(503, "unavailable")["detail"] == "The service is shutting down."
    assert int(refused.headers["retry-after"]) >= 1
    service.anonymous().get("/health/live").expect(200)
    api.post("/leads", JOHN).expect(201)


class Untouchable:
    """A database that nobody may ask for anything."""

    def __getattr__(self, name: str) -> object:
        async def refuse(*_: object) -> None:
            raise AssertionError(name)

        return refuse


def test_a_process_that_lives_says_so_without_a_key_and_touches_nothing(service: Service) -> None:
    with service.container.database.override(providers.Object(Untouchable())):
        assert service.anonymous().get("/health/live").expect(200).json == {"status": "ok"}


def test_a_service_with_an_up_to_date_database_is_ready(service: Service) -> None:
    assert service.anonymous().get("/health/ready").expect(200).json == {"status": "ok"}


def test_a_service_whose_database_has_no_tables_yet_is_not_ready_until_it_has_them(service: Service) -> None:
    migrations.downgrade(service.container.engine(), "base")
    refused = service.anonymous().get("/health/ready")
    refused.expect_problem(503, "unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    migrations.upgrade(service.container.engine())
    service.anonymous().get("/health/ready").expect(200)


def test_a_service_whose_schema_is_not_the_newest_is_not_ready(service: Service) -> None:
    with service.container.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    service.anonymous().get("/health/ready").expect_problem(503, "unavailable")
    service.anonymous().get("/health/live").expect(200)


def test_a_good_answer_spares_the_database_for_a_second(service: Service) -> None:
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
