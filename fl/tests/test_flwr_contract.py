"""What flip_fl relies on in flwr 1.42.0 beyond its public API. A failure here says what moved, before a net does."""

import dataclasses
import importlib
import importlib.metadata
import inspect
import json
import re
import time
from typing import Any

import flwr.serverapp.strategy as flwr_strategies
import flwr.serverapp.strategy.strategy_utils as flwr_strategy_utils
import flwr.supercore.retry.http_retry as flwr_retry
import flwr.superlink.grid.http_grid as flwr_grid
import flwr.superlink.main as flwr_main
import flwr.superlink.servicer.control.control_handlers as flwr_control
import flwr.supernode.start_client_internal as flwr_node
import pytest
from flwr.app import ArrayRecord, Error, Message, RecordDict
from flwr.cli.build import build_fab_from_files
from flwr.common.constant import NOOP_FLWR_AID, SUPERLINK_NODE_ID, ErrorCode, SubStatus
from flwr.proto.node_pb2 import NodeInfo
from flwr.proto.runtime_pb2 import AcquireTaskRequest, PushTaskOutputRequest
from flwr.serverapp.strategy import FedAvg, Strategy
from flwr.supercore.constant import TaskType
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.error import ApiErrorCode, FlowerError
from flwr.supercore.fab import Fab
from flwr.supercore.interceptors import (
    RuntimeTokenHttpInterceptor,
    RuntimeVersionHttpInterceptor,
    SuperExecAuthHttpInterceptor,
)
from flwr.supercore.object_store import ObjectStoreFactory
from flwr.supercore.protobuf.translation import ProtobufTranslationMiddleware
from flwr.supercore.retry import make_simple_http_retry_invoker
from flwr.supercore.run import RunNotRunningException
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink.federation import NoOpFederationManager
from flwr.supernode.cli.flower_supernode import SuperNodeLifespanConfig, _start_supernode_http_api
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor
from flwr.supernode.nodestate import NodeStateFactory

from flip_fl.api.service import FLWR_VERSION
from flip_fl.control import ALREADY_FINISHED
from flip_fl.doors import RUNTIME_CALLS
from flip_fl.executor.loop import ACQUIRE
from flip_fl.executor.waits import LONGEST
from flip_fl.federation import RunFederationManager

flwr_cli: Any = importlib.import_module("flwr.superlink.cli.flower_superlink")
flwr_serverapp: Any = importlib.import_module("flwr.superlink.runtime.run_serverapp")
flwr_clientapp: Any = importlib.import_module("flwr.supernode.runtime.run_clientapp")


def parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_the_installed_flwr_is_the_one_these_contracts_were_written_for():
    installed = importlib.metadata.version("flwr")
    assert installed == FLWR_VERSION == "1.42.0", (
        f"flwr is {installed}: read every test of this file against its source before raising the pin"
    )


# --- SuperLink ---
def test_the_superlink_command_serves_through_a_module_global_that_we_replace():
    assert parameters(flwr_cli._run_superlink_http_api) == ["lifespan_config"], (
        "_run_superlink_http_api takes other arguments; superlink.serve stands in its place"
    )
    assert "_run_superlink_http_api(lifespan_config=config)" in inspect.getsource(flwr_cli.flower_superlink), (
        "flower_superlink() no longer calls _run_superlink_http_api, so our two doors would not be opened"
    )


def test_the_superlink_app_is_built_from_a_config_and_a_lifespan_class():
    assert parameters(flwr_main.create_app) == ["config", "superlink_lifespan_class"], "create_app's arguments changed"
    assert parameters(flwr_cli.SuperLinkLifespan)[:1] == ["config"], "SuperLinkLifespan no longer takes the config"
    assert "create_app(lifespan_config, SuperLinkLifespan)" in inspect.getsource(flwr_cli._run_superlink_http_api), (
        "flwr builds its app in another way than superlink.serve does"
    )
    names = {f.name for f in dataclasses.fields(flwr_cli.SuperLinkLifespanConfig)}
    assert {"ssl_certfile", "ssl_keyfile"} <= names, "SuperLinkLifespanConfig lost the TLS files that our doors use"


def test_the_superlink_asks_a_module_global_for_its_federation_manager():
    assert parameters(flwr_main.get_federation_manager) == ["is_simulation"], "get_federation_manager's arguments moved"
    assert "get_federation_manager(is_simulation=is_simulation)" in inspect.getsource(flwr_main.create_app), (
        "create_app no longer asks get_federation_manager: the default federation with every node would come back"
    )


def test_control_handlers_make_a_fab_from_hash_content_and_verifications_by_position():
    assert flwr_control.Fab is Fab, "control_handlers.Fab is no longer flwr's Fab class"
    source = inspect.getsource(flwr_control)
    calls = [" ".join(c.split()) for c in re.findall(r"\bFab\((.*?verification_dict,?)\s*\)", source, re.S)]
    expected = "hashlib.sha256(fab_file).hexdigest(), fab_file, verification_dict"
    assert [c.rstrip(",") for c in calls] == [expected] * 3, f"Fab(...) is called in another way, so unsigned: {calls}"
    assert len(re.findall(r"\bFab\b(?!ric)", source)) == 4, "control_handlers uses the name Fab for something new"
    assert [f.name for f in dataclasses.fields(Fab)] == ["hash_str", "content", "verifications"], "Fab's fields changed"


def test_start_run_still_goes_through_the_signing_fab():
    assert "fab = Fab(" in inspect.getsource(flwr_control), "StartRun no longer makes a Fab, so FABs would go unsigned"


@pytest.mark.parametrize("name", ["exists", "has_member", "filter_nodes", "has_node", "get_simulation_config"])
def test_each_overridden_federation_method_has_flwrs_signature(name):
    theirs, ours = getattr(NoOpFederationManager, name), getattr(RunFederationManager, name)
    assert parameters(ours) == parameters(theirs), f"NoOpFederationManager.{name} takes {parameters(theirs)} now"


def test_the_default_federation_is_still_resolved_by_the_noop_managers_type():
    assert "isinstance(federation_manager, NoOpFederationManager)" in inspect.getsource(flwr_control), (
        "the SuperLink no longer asks for NoOpFederationManager: is subclassing it still needed?"
    )


def test_no_new_method_decides_about_nodes_without_us():
    known = {
        *("exists", "has_member", "filter_nodes", "has_node", "ensure_default_federations_exist", "get_federations"),
        *("get_details", "get_simulation_config", "set_simulation_config", "set_icon_key", "create_federation"),
        *("archive_federation", "add_supernode", "remove_supernode", "create_invitation", "list_invitations"),
        *("accept_invitation", "reject_invitation", "revoke_invitation", "remove_account", "linkstate"),
        *("can_execute", "report_run_usage"),
    }
    methods = {n for n in dir(NoOpFederationManager) if not n.startswith("_")}
    assert not methods - known, f"NoOpFederationManager has new methods; do they widen a run? {methods - known}"


def test_the_account_without_authentication_and_the_superlinks_own_node_id_keep_their_types():
    assert isinstance(NOOP_FLWR_AID, str), "NOOP_FLWR_AID changed its type"
    assert isinstance(SUPERLINK_NODE_ID, int), "SUPERLINK_NODE_ID changed its type"


def test_the_runtime_calls_that_our_door_lets_in_are_all_flwrs():
    source = inspect.getsource(importlib.import_module(ProtobufTranslationMiddleware.__module__))
    theirs = set(re.findall(r'"/v1/runtime/([a-z/-]+)"', source))
    assert theirs >= RUNTIME_CALLS, f"flwr no longer has {RUNTIME_CALLS - theirs}"


def test_only_control_and_automation_start_a_run():
    source = inspect.getsource(importlib.import_module(ProtobufTranslationMiddleware.__module__))
    found = set(re.findall(r'"(/v1/[a-z/-]*start-[a-z-]*)"', source))
    known = {"/v1/control/start-run", "/v1/control/start-automation", "/v1/runtime/start-automation"}
    assert found == known, f"flwr has another way to start a run: {found}"


# --- SuperNode ---
def test_the_supernode_sleeps_through_its_modules_time_for_as_long_as_we_shorten():
    assert flwr_node.time is time, "start_client_internal no longer has the time module as `time`"
    source = inspect.getsource(flwr_node)
    sleeps = [float(s) for s in re.findall(r"\btime\.sleep\(([0-9.]+)\)", source)]
    assert sleeps == [3, 0.5, 0.5], f"the SuperNode's waits are {sleeps} now; waits.LONGEST must know each"
    assert set(sleeps) <= set(LONGEST), f"waits.LONGEST lacks one of {sleeps}"
    assert len(re.findall(r"\bsleep\(", source)) == 3, "the SuperNode also sleeps in a way that we do not shorten"


@pytest.mark.parametrize(
    "name", ["_init_connection", "_pull_and_store_message", "_push_messages", "register_signal_handlers"]
)
def test_the_supernodes_loop_calls_what_we_replace_as_a_module_global(name):
    assert callable(getattr(flwr_node, name, None)), f"start_client_internal.{name} is gone"
    assert f" {name}(" in inspect.getsource(flwr_node.start_client_internal), f"the loop does not call {name} any more"


def test_a_connection_is_a_context_manager():
    assert "with _init_connection(" in inspect.getsource(flwr_node.start_client_internal), (
        "_init_connection is not used in a with statement any more; _telling_online yields from one"
    )


def test_pulling_a_message_gets_the_fab_function_and_the_trusted_entities_by_name():
    names = parameters(flwr_node._pull_and_store_message)
    assert {"get_fab", "trusted_entities"} <= set(names), f"_pull_and_store_message takes {names}"
    source = inspect.getsource(flwr_node.start_client_internal)
    call = source.split("_pull_and_store_message(", 1)[1].split("\n            )", 1)[0]
    for name in names:
        assert f"{name}=" in call, f"{name} is not passed by name any more; our guard takes keywords alone"


def test_the_fab_is_fetched_and_verified_before_anything_is_stored():
    source = inspect.getsource(flwr_node._pull_and_store_message)
    steps = [
        "get_fab(run_info.fab_hash, run_id)",
        'fab.verifications.get("valid_license", "")',
        "_verify_fab(fab, trusted_entities)",
        "state.store_fab(fab)",
        "state.create_task(",
    ]
    places = [source.find(step) for step in steps]
    assert -1 not in places, f"flwr no longer does {steps[places.index(-1)]}"
    assert places == sorted(places), "flwr takes these steps in another order, so an unapproved FAB might be stored"


def test_a_fab_without_verifications_is_refused_as_invalid():
    assert flwr_node.FAB_VERIFICATION_ERROR.code == ErrorCode.INVALID_FAB, "flwr answers a refused FAB differently"
    assert flwr_node._verify_fab(Fab("h", b"content", {}), {"fpk_flip_hub": "key"}) is False, (
        "_verify_fab accepts a FAB that nobody signed"
    )


def test_inserting_a_message_takes_the_message_the_state_and_the_object_store():
    assert parameters(flwr_node._insert_message) == ["msg", "state", "store"], "_insert_message's arguments changed"


def test_signal_handlers_are_registered_before_the_loop_begins():
    source = inspect.getsource(flwr_node.start_client_internal)
    assert source.index("register_signal_handlers(") < source.index("while True"), (
        "the SuperNode registers its signal handlers elsewhere; ours would be overwritten"
    )


def test_starting_the_supernode_takes_the_arguments_that_we_pass():
    ours = {
        *("state_factory", "server_address", "root_certificates", "insecure", "authentication_keys", "node_config"),
        *("isolation", "runtime_api_address", "trusted_entities", "superexec_auth_secret"),
        "runtime_dependency_install",
    }
    theirs = inspect.signature(flwr_node.start_client_internal).parameters
    assert ours <= set(theirs), f"start_client_internal lost {ours - set(theirs)}"
    needed = {n for n, p in theirs.items() if p.default is p.empty}
    assert needed <= ours, f"start_client_internal now needs {needed - ours}"


def test_the_supernodes_config_has_the_fields_that_we_fill():
    assert {f.name for f in dataclasses.fields(SuperNodeLifespanConfig)} == {
        *("server_address", "root_certificates", "insecure", "authentication_keys", "max_retries", "max_wait_time"),
        *("node_config", "isolation", "runtime_certificates", "runtime_root_certificates_path"),
        *("health_server_address", "trusted_entities", "superexec_auth_secret", "runtime_dependency_install"),
        *("host", "port", "runtime_ssl_certfile", "runtime_ssl_keyfile"),
    }, "SuperNodeLifespanConfig's fields changed; supernode._config fills each"


def test_the_supernodes_runtime_api_starts_in_a_thread_of_its_own():
    assert parameters(_start_supernode_http_api) == ["config", "state_factory"], "its arguments changed"
    assert "thread.start()" in inspect.getsource(_start_supernode_http_api), (
        "_start_supernode_http_api would block now, or need to be started"
    )


def test_the_node_state_shows_its_messages_under_a_lock():
    state: Any = NodeStateFactory(objectstore_factory=ObjectStoreFactory()).state()
    for name in ("lock_msg_store", "msg_store", "object_store"):
        assert hasattr(state, name), f"the node state has no {name} any more"
    with state.lock_msg_store, state.lock_msg_store:
        assert dict(state.msg_store) == {}, "msg_store is not a mapping any more"


def test_a_reply_made_by_us_is_stored_as_the_answer_to_its_message(monkeypatch):
    state: Any = NodeStateFactory(objectstore_factory=ObjectStoreFactory()).state()
    state.set_node_id(7)
    with monkeypatch.context() as patch:  # the SuperNode itself runs no task
        for name in ("_task_id", "_run_id", "_node_id"):
            patch.setattr(TaskIdentity, name, 7)
        asked = Message(RecordDict(), 7, "train")
    asked.metadata.__dict__["_message_id"] = "asked"
    reply = Message(Error(ErrorCode.CLIENT_APP_CRASHED, "ClientAppExited: code 3"), reply_to=asked)
    flwr_node._insert_message(reply, state, state.object_store)
    (entry,) = state.msg_store.values()
    assert entry.message.metadata.reply_to_message_id == "asked", "an inserted reply lost the message it answers"
    assert entry.message.error.reason == "ClientAppExited: code 3", "an inserted reply lost its reason"


# --- Runtime API and executor ---
def test_a_runtime_client_has_no_retry_invoker_unless_given_one():
    parameter = inspect.signature(RuntimeHttpClient.from_server_address).parameters["retry_invoker"]
    assert parameter.default is None, "a RuntimeHttpClient retries by default now: on a 401 it would SIGINT its process"
    client = RuntimeHttpClient.from_server_address("127.0.0.1:1", True, None, [], retry_invoker=None)
    assert client._retry_invoker is None, "retry_invoker=None no longer means none"
    client.close()


def test_the_protected_method_is_the_name_that_the_client_sends():
    assert f'"{ACQUIRE}"' in inspect.getsource(RuntimeHttpClient.AcquireTask), (
        f"AcquireTask is not called {ACQUIRE} any more, so it would go out without its proof"
    )


def test_runtime_interceptors_are_made_from_what_we_give_them():
    RuntimeVersionHttpInterceptor(component_name="SuperExec")
    RuntimeTokenHttpInterceptor("token")
    SuperExecAuthHttpInterceptor(master_secret=b"s" * 32, protected_methods=frozenset({ACQUIRE}))


def test_a_task_is_asked_for_by_type_and_settled_with_a_sub_status():
    assert list(AcquireTaskRequest(supported_task_types={TaskType.SERVER_APP}).supported_task_types) == [
        "flwr-serverapp"
    ], "AcquireTaskRequest or the name of the ServerApp's task changed"
    assert TaskType.CLIENT_APP == "flwr-clientapp", "the name of the ClientApp's task changed"
    output = PushTaskOutputRequest(sub_status=SubStatus.FAILED, details="why")
    assert (output.sub_status, output.details) == ("failed", "why"), "PushTaskOutputRequest changed"


def test_error_codes_and_sub_statuses_keep_their_values():
    assert (ErrorCode.INVALID_FAB, ErrorCode.CLIENT_APP_CRASHED) == (7, 8), "ErrorCode's values changed"
    assert (SubStatus.COMPLETED, SubStatus.FAILED, SubStatus.STOPPED) == ("completed", "failed", "stopped"), (
        "SubStatus' values changed; service._conclude compares with them"
    )


# --- Control API ---
def test_a_control_client_is_made_from_an_address_with_interceptors():
    names = parameters(ControlHttpClient.from_server_address)
    assert names[:4] == ["server_address", "insecure", "root_certificates", "interceptors"], f"it takes {names} now"
    for method in ("StartRun", "ListRuns", "StopRun", "RegisterNode", "UnregisterNode", "ListNodes", "close"):
        assert hasattr(ControlHttpClient, method), f"ControlHttpClient.{method} is gone"


def test_a_control_error_reads_as_a_flower_error_with_the_code_that_we_know():
    assert ApiErrorCode.RUN_ALREADY_FINISHED == ALREADY_FINISHED, "the code of 'Run is already finished' changed"
    read = FlowerError.from_json(json.dumps(FlowerError(ALREADY_FINISHED, "internal").to_json("It is over.")))
    assert read is not None, "FlowerError.from_json does not read what to_json writes"
    assert (read.code, read.message) == (ALREADY_FINISHED, "It is over."), "FlowerError reads its body differently"


# --- in the apps' processes ---
def test_the_grid_sleeps_three_seconds_between_pulls():
    assert flwr_grid.time is time, "http_grid no longer has the time module as `time`"
    source = inspect.getsource(flwr_grid.HttpGrid.send_and_receive)
    assert re.findall(r"time\.sleep\((.*?)\)", source) == ["3"], "send_and_receive waits in another way than 3 s"
    assert 3 in LONGEST, "waits.LONGEST lost the grid's 3 s"


def test_the_strategies_wait_one_second_for_nodes():
    assert flwr_strategy_utils.sleep is time.sleep, "strategy_utils no longer has time.sleep as `sleep`"
    waits = re.findall(r"\bsleep\((.*?)\)", inspect.getsource(flwr_strategy_utils))
    assert waits == ["1"], f"strategy_utils waits {waits} now; waits.LONGEST knows 1"
    assert 1 in LONGEST, "waits.LONGEST lost the strategies' 1 s"


def test_a_serverapp_process_runs_the_app_through_a_module_global():
    assert parameters(flwr_serverapp.run_serverapp) == [
        *("runtime_api_address", "log_queue", "token", "insecure", "certificates", "parent_pid"),
        "runtime_dependency_install",
    ], "run_serverapp's arguments changed; executor/child.py passes them"
    assert callable(flwr_serverapp.run_), "run_serverapp.run_ is gone; failures would not be told"
    assert "run_(" in inspect.getsource(flwr_serverapp.run_serverapp), "run_serverapp no longer calls run_"


def test_an_exception_of_a_serverapp_is_told_in_the_words_that_we_look_for():
    assert "ServerApp failed with exception" in inspect.getsource(flwr_serverapp.run_serverapp), (
        "service._conclude tells server_app_raised from server_app_exited by these words"
    )


def test_a_clientapp_process_loads_the_app_through_a_module_global():
    assert parameters(flwr_clientapp.run_clientapp) == [
        *("runtime_api_address", "token", "insecure", "certificates", "parent_pid", "runtime_dependency_install"),
    ], "run_clientapp's arguments changed; executor/child.py passes them"
    source = inspect.getsource(flwr_clientapp.run_clientapp)
    assert "get_load_client_app_fn(" in source, "ClientApps are loaded in another way; texts of exceptions would leave"
    assert re.findall(r"\bclient_app\b(?!:)[^\n]*", source) == ["client_app(message=message, context=context)"], (
        "run_clientapp uses the ClientApp in another way; our wrapper only takes message= and context="
    )


def test_the_reason_of_a_clientapp_error_has_the_shape_that_we_take_apart():
    assert '''str(type(ex)) + ":<'" + str(ex) + "'>"''' in inspect.getsource(flwr_clientapp.run_clientapp), (
        "Flower words a ClientApp's error differently; exchanges.reason_of takes it apart"
    )


def test_a_strategy_starts_with_the_grid_and_the_initial_arrays():
    assert parameters(Strategy.start)[:2] == ["grid", "initial_arrays"], "Strategy.start's first arguments changed"


def test_no_stock_strategy_has_a_start_of_its_own():
    stock = [c for c in vars(flwr_strategies).values() if inspect.isclass(c) and issubclass(c, Strategy)]
    own = [c.__name__ for c in stock if c is not Strategy and "start" in vars(c)]
    assert FedAvg in stock
    assert not own, f"{own} override Strategy.start, so their runs would not be watched"


@pytest.mark.parametrize("name", ["configure_train", "aggregate_train", "aggregate_evaluate"])
def test_a_strategys_round_calls_what_we_wrap_on_the_instance(name):
    assert parameters(getattr(Strategy, name))[0] == "server_round", f"{name} no longer begins with the round"
    assert f"self.{name}(" in inspect.getsource(Strategy.start), f"Strategy.start no longer calls {name}"


@pytest.mark.parametrize("name", ["aggregate_train", "aggregate_evaluate"])
def test_replies_are_the_second_argument_of_an_aggregation(name):
    assert parameters(getattr(Strategy, name)) == ["server_round", "replies"], f"{name}'s arguments changed"


def test_an_empty_evaluation_still_has_a_strategy_that_waits_for_two_nodes():
    strategy: Any = FedAvg()
    assert (strategy.min_train_nodes, strategy.min_evaluate_nodes, strategy.min_available_nodes) == (2, 2, 2), (
        "FedAvg's thresholds have other names or defaults; server_hooks.THRESHOLDS lowers them"
    )


def test_arrays_of_a_record_know_their_dtype_and_their_values():
    import numpy as np

    record = ArrayRecord([np.array([1], np.int64)])
    (array,) = record.values()
    assert (array.dtype, array.numpy().tolist()) == ("int64", [1]), "Array.dtype or Array.numpy changed"


# --- building ---
def test_building_a_fab_from_files_returns_its_bytes_first():
    pyproject = b"""
[project]
name = "probe"
version = "1.0.0"
[tool.flwr.app]
publisher = "flip"
[tool.flwr.app.components]
serverapp = "app:server"
clientapp = "app:client"
"""
    built = build_fab_from_files({"pyproject.toml": pyproject, "app.py": b"server = client = None\n"})
    assert isinstance(built, tuple), "build_fab_from_files returns something else than a pair"
    assert isinstance(built[0], bytes), "build_fab_from_files does not return the FAB's bytes first"
    assert built[0][:2] == b"PK", "a FAB is not a zip any more"


def test_the_grid_and_nodes_are_as_rounds_takes_them():
    assert parameters(flwr_grid.HttpGrid.send_and_receive) == ["messages", "timeout"]
    assert parameters(flwr_grid.HttpGrid.get_nodes) == []
    assert {"node_id", "name"} <= set(NodeInfo.DESCRIPTOR.fields_by_name)
    assert ErrorCode.NODE_UNAVAILABLE == 5


def test_start_and_its_result_are_as_a_resumed_run_needs_them():
    assert parameters(Strategy.start) == [
        *("grid", "initial_arrays", "num_rounds", "timeout"),
        *("train_config", "evaluate_config", "evaluate_fn"),
    ]
    fields = {field.name for field in dataclasses.fields(flwr_strategies.Result)}
    assert fields == {
        *("arrays", "train_metrics_clientapp", "evaluate_metrics_clientapp", "evaluate_metrics_serverapp"),
    }
    overridden = [name for name in flwr_strategies.__all__ if "start" in vars(getattr(flwr_strategies, name))]
    assert overridden == ["Strategy"], "a strategy with a start of its own would not be watched"


def test_a_supernodes_connection_is_as_run_watch_takes_it():
    source = inspect.getsource(flwr_node.start_client_internal)
    names = re.search(r"\(\s*(node_id,.*?)\) = conn", source, re.DOTALL)
    assert names
    assert [name.strip() for name in names[1].split(",")][:4] == ["node_id", "receive", "send", "get_run"]
    assert issubclass(RunNotRunningException, BaseException)
    assert "RunNotRunningException" in inspect.getsource(make_simple_http_retry_invoker)
    assert parameters(FleetHttpClient.DeactivateNode) == ["request"]
    assert parameters(NodeAuthHttpInterceptor.__init__)[:2] == ["private_key", "public_key"]


def test_a_retry_waits_as_long_as_a_name_of_its_module_says():
    assert "exponential(max_delay=MAX_RETRY_DELAY)" in inspect.getsource(make_simple_http_retry_invoker)
    assert flwr_retry.MAX_RETRY_DELAY > 0
