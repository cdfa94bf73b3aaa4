"""The hub's web application: user API, trust API, and the background loops beside them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import text

from flip_hub.audit.proof import anchors_file, write_anchor
from flip_hub.audit.routes import router as audit
from flip_hub.cohorts.guard import configure as configure_guard
from flip_hub.cohorts.routes import router as cohorts
from flip_hub.db import Database, ReadSession
from flip_hub.errors import install_handlers
from flip_hub.events import Listener
from flip_hub.files.agent_routes import router as staged_files
from flip_hub.files.routes import router as files
from flip_hub.files.routes import types_router as job_types
from flip_hub.files.shelf import Shelf
from flip_hub.files.tus import router as uploads
from flip_hub.files.worker import FileWorker
from flip_hub.flower.http import HttpFl
from flip_hub.invitations.routes import router as invitations
from flip_hub.keys import SecretBox, SigningKey
from flip_hub.live.feed import Feed
from flip_hub.live.routes import router as live
from flip_hub.login.oidc import router as oidc
from flip_hub.login.provider import Provider
from flip_hub.login.routes import router as login
from flip_hub.mail.deliver import deliver_forever
from flip_hub.mail.routes import router as mails
from flip_hub.metrics.routes import router as metrics
from flip_hub.middleware import Bounded
from flip_hub.models.routes import router as models
from flip_hub.nets.directory import NetDirectory
from flip_hub.nets.keeper import keep_nets_forever
from flip_hub.nets.routes import router as nets
from flip_hub.objects import Objects
from flip_hub.openapi import with_every_error
from flip_hub.page import serve_page
from flip_hub.projects.routes import router as projects
from flip_hub.received.routes import router as received
from flip_hub.results.routes import router as results
from flip_hub.runs.routes import router as runs
from flip_hub.runs.story import router as stories
from flip_hub.scheduler.act import Actor
from flip_hub.scheduler.loop import Scheduler
from flip_hub.settings import HubSettings
from flip_hub.site.routes import router as site
from flip_hub.trusts.routes import agent_router
from flip_hub.trusts.routes import router as trusts
from flip_hub.upkeep import keep_up_forever
from flip_hub.users.routes import router as users

USER_API, TRUST_API = "/api/v1", "/api/trust/v1"
REQUEST_THREADS = 16  # more of them only wait for each other: Python runs one at a time
THREADS = 24
MOST_NETS = 64  # each has a thread that waits for its events


class HealthRead(BaseModel):
    status: str


def create_app(settings: HubSettings, database: Database) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # asyncio's own choice follows the number of processors; followers of nets and polling trusts only wait.
        anyio.to_thread.current_default_thread_limiter().total_tokens = REQUEST_THREADS
        pool = ThreadPoolExecutor(THREADS + MOST_NETS, "flip")
        asyncio.get_running_loop().set_default_executor(pool)
        tasks = [asyncio.create_task(job) for job in (app.state.listener.run_forever(), app.state.feed.run_forever())]
        if settings.background:
            app.state.nets.refresh()
            actor = Actor(database, app.state.objects, app.state.signing_key)
            scheduler = Scheduler(settings, database, actor, app.state.nets)
            tasks.append(asyncio.create_task(scheduler.run_forever(app.state.listener)))
            worker = FileWorker(settings, database, app.state.shelf)
            tasks.append(asyncio.create_task(worker.run_forever(app.state.listener)))
            anchor = partial(write_anchor, key=app.state.signing_key, path=anchors_file(settings.data_dir))
            tasks.append(asyncio.create_task(keep_nets_forever(app.state.nets, database, app.state.listener)))
            tasks.append(asyncio.create_task(deliver_forever(database, settings, app.state.listener)))
            tasks.append(asyncio.create_task(keep_up_forever(database, anchor)))
        yield
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)

    configure_guard(settings.omop_also)
    # Swagger's and ReDoc's pages load scripts from the internet; the document itself does not.
    app = FastAPI(
        title="FLIP hub",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
    )
    app.state.settings, app.state.database = settings, database
    app.state.listener = Listener(database.url)
    app.state.feed = Feed(database, app.state.listener)
    app.state.signing_key = SigningKey(settings.signing_key_file)
    app.state.secrets = SecretBox(settings.secret_key_file)
    app.state.nets = NetDirectory(settings, database, app.state.secrets, HttpFl)
    app.state.oidc = Provider(settings)
    app.state.objects = Objects(settings)
    app.state.shelf = Shelf(database, app.state.objects)
    install_handlers(app)

    app.add_middleware(Bounded)
    people, administration = (login, oidc, users, invitations), (site, mails, audit, trusts, received, nets)
    work = (projects, cohorts, models, job_types, files, uploads)
    training = (runs, stories, metrics, results, live)
    for router in (*people, *administration, *work, *training):
        app.include_router(router, prefix=USER_API)
    for router in (agent_router, staged_files):
        app.include_router(router, prefix=TRUST_API)

    @app.get(f"{USER_API}/health", tags=["health"])
    def get_health(session: ReadSession) -> HealthRead:
        session.execute(text("SELECT 1"))
        return HealthRead(status="ok")

    with_every_error(app)
    serve_page(app, settings.page_dir)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
