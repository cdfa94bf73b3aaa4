"""What people and trusts do, for `load.py`; not to be started alone."""

import json
import os
import random
import time
from contextlib import closing
from uuid import uuid4

import gevent
from locust import HttpUser, between, constant_pacing, task

PLAN = json.loads(os.environ["FLIP_LOAD_PLAN"])
READERS, TRUSTS = iter(range(10**6)), iter(range(10**6))


class Reader(HttpUser):
    """A person with a page open: it follows its run's stream, and looks at lists and charts now and then."""

    fixed_count = PLAN["readers"]
    wait_time = between(1, 5)

    def on_start(self) -> None:
        number = next(READERS)
        self.client.headers["authorization"] = f"Bearer {PLAN['tokens'][number % len(PLAN['tokens'])]}"
        self.run = PLAN["runs"][number % len(PLAN["runs"])]
        self.stream = gevent.spawn(self.follow)

    def on_stop(self) -> None:
        self.stream.kill()

    def follow(self) -> None:
        """The time from a trust's `send_metrics` to this stream is the value that it sent: its clock."""
        while True:
            told = self.client.get(f"/api/v1/events?topics=run:{self.run}", stream=True, name="(stream opened)")
            with closing(told):
                for line in told.iter_lines():
                    if line.startswith(b"data: ") and (heard := json.loads(line[6:]))["kind"] == "metrics":
                        newest = heard["payload"]["points"][-1][3]
                        self.environment.events.request.fire(
                            request_type="SSE", name="send_metrics to stream", response_length=len(line),
                            response_time=(time.time() - newest) * 1000, exception=None, context={},
                        )  # fmt: skip

    @task(3)
    def read_run(self) -> None:
        self.client.get(f"/api/v1/runs/{self.run}", name="run")

    @task(3)
    def read_charts(self) -> None:
        self.client.get(f"/api/v1/runs/{self.run}/metrics?points=500", name="metrics")

    @task(1)
    def read_summary(self) -> None:
        self.client.get(f"/api/v1/runs/{self.run}/metrics/summary", name="metrics summary")

    @task(2)
    def read_projects(self) -> None:
        self.client.get("/api/v1/projects", name="projects")

    @task(2)
    def read_models(self) -> None:
        self.client.get("/api/v1/models", name="models")

    @task(1)
    def read_queue(self) -> None:
        self.client.get("/api/v1/queue", name="queue")

    @task(1)
    def read_timeline(self) -> None:
        self.client.get(f"/api/v1/runs/{self.run}/timeline", name="timeline")


class TrustAgent(HttpUser):
    """Claims tasks by long poll all the time; the first of them log metrics, one run each."""

    fixed_count = PLAN["trusts"]
    wait_time = constant_pacing(1)

    def on_start(self) -> None:
        self.number = next(TRUSTS)
        self.client.headers["authorization"] = f"Bearer {PLAN['trust_tokens'][self.number]}"
        self.polling = gevent.spawn(self.poll)
        self.round = 0

    def on_stop(self) -> None:
        self.polling.kill()

    def poll(self) -> None:
        while True:
            self.client.post("/api/trust/v1/tasks/claim?wait=20", json={"max_tasks": 5}, name="(claim, waits 20 s)")

    @task
    def log_metrics(self) -> None:
        self.round += 1
        body = {"agent_version": "1", "protocol_version": 1, "components": {}}
        if self.number >= len(PLAN["runs"]):
            if self.round % 15 == 0:
                self.client.post("/api/trust/v1/heartbeat", json=body, name="(heartbeat)")
            return
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        points = [
            {"id": str(uuid4()), "label": label, "value": random.random(), "round": self.round, "at": at}
            for label in ("LOSS", "DICE", "LR") for _ in range(10)
        ]  # fmt: skip
        points.append({"id": str(uuid4()), "label": "CLOCK", "value": time.time(), "round": self.round, "at": at})
        message = {"id": str(uuid4()), "kind": "metrics", "run_id": PLAN["runs"][self.number], "points": points}
        self.client.post("/api/trust/v1/messages", json={"messages": [message]}, name="(send metrics)")
