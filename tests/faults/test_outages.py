"""The database away, and processes that end in the middle of a call: an honest answer, then on without a restart."""

import contextlib
import signal
import threading
import uuid

import httpx2
import psycopg

from tests.faults.conftest import until


def test_an_outage_of_the_database_is_told_and_passes_without_a_restart(system, planned):
    erp, planner = planned.as_("integrator"), planned.as_("planner")
    processes = system.pids
    system.kill(["postgres"])
    try:
        answers = [erp.get("/items"), erp.post("/demand", json=[]), planner.get("/plans")]
    finally:
        system.start(["postgres"])
    assert [answer.status_code for answer in answers] == [503] * 3
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert all(answer.json()["retryable"] for answer in answers)
    until(lambda: {erp.get("/items").status_code, planner.get("/plans").status_code} == {200}, 30)
    planned.succeed(planner.post("/plans", json={}))
    planned.succeed(planner.post("/forecasts", json={}))
    assert {name: pid for name, pid in system.pids.items() if name != "postgres"} == {
        name: pid for name, pid in processes.items() if name != "postgres"
    }


def test_connections_that_the_server_cut_are_replaced_unseen(system, planned):
    erp = planned.as_("integrator")
    with psycopg.connect(system.server.admin, autocommit=True) as admin:
        for _ in range(3):
            assert erp.get("/items").status_code == 200
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            assert erp.get("/items").status_code == 200
            assert planned.as_("planner").get("/plans").status_code == 200
    planned.succeed(planned.as_("planner").post("/plans", json={}))


def test_a_service_that_is_told_to_stop_finishes_what_it_accepted(system, planned, restarted):
    planner, answers = planned.as_("planner"), []
    subject = planner.get("/recommendations").json()["items"][0]["id"]
    wish = {"action": "annotate", "note": "accepted before the end"}
    call = threading.Thread(
        target=lambda: answers.append(planner.post(f"/recommendations/{subject}/decisions", json=wish))
    )
    with system.server.connect("planner") as database, database.transaction():
        query = "SELECT 1 FROM recommendation_state WHERE recommendation_id = %s FOR UPDATE"
        database.execute(query, (subject,))
        call.start()
        until(lambda: waits_for_lock(system))
        system.send("planner", signal.SIGTERM)
    call.join()
    system.wait("planner")
    restarted("planner")
    assert [answer.status_code for answer in answers] == [201]
    assert noted(system, wish["note"]) == 1


def test_a_call_whose_answer_was_lost_has_its_effect_once(system, planned, restarted):
    """The service is killed as soon as the effect can be seen; it may or may not have answered by then."""
    planner = planned.as_("planner")
    subject = planner.get("/recommendations").json()["items"][0]["id"]
    for number in range(3):
        wish = {"action": "annotate", "note": f"killed at the commit {number}"}
        path, headers = f"/recommendations/{subject}/decisions", {"Idempotency-Key": uuid.uuid4().hex}
        call = threading.Thread(target=quietly(planner, path, wish, headers))
        call.start()
        until(lambda note=wish["note"]: noted(system, note))
        system.kill(["planner"])
        call.join()
        restarted("planner")
        again = planner.post(path, json=wish, headers=headers)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
        assert noted(system, wish["note"]) == 1


def quietly(client, path, wish, headers):
    def call():
        with contextlib.suppress(httpx2.TransportError):
            client.post(path, json=wish, headers=headers)

    return call


def waits_for_lock(system):
    with psycopg.connect(system.server.admin) as admin:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'planner' AND wait_event_type = 'Lock'"
        return admin.execute(query).fetchone() != (0,)


def noted(system, note):
    with system.server.connect("planner") as database:
        query = "SELECT count(*) FROM ledger_entries WHERE content::json->'body'->>'note' = %s"
        return database.execute(query, (note,)).fetchone()[0]
