"""What a strategy waits for: more nodes than there are, or less time than a round takes."""

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.modules import Module
from flip_contracts.app_check.values import number_of

LOCAL_SECONDS_KEY: Final = "flip-local-train-seconds"
_DEFAULT_TIMEOUT: Final = 3600  # flwr 1.42, Strategy.start
_SHORTEST: Final = 60  # a process per message and a poll each way: a round takes seconds before training starts
_MINIMUMS: Final = frozenset(
    {
        "min_train_nodes",
        "min_evaluate_nodes",
        "min_available_nodes",
        "min_fit_clients",
        "min_evaluate_clients",
        "min_available_clients",
    }
)


def check_minimums(module: Module, trust_count: int, config: Mapping[str, object]) -> Iterator[Finding]:
    if trust_count < 1:
        return
    for node in module.nodes:
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            value = number_of(keyword.value, module.names, config) if keyword.arg in _MINIMUMS else None
            if value is not None and value > trust_count:
                trusts = "1 trust takes" if trust_count == 1 else f"{trust_count} trusts take"
                yield found(
                    "min_nodes_above_trusts",
                    f"{keyword.arg} is {value:g}, and {trusts} part: "
                    "elsewhere the run would wait for ever. FLIP lowers it for the run.",
                    f"Leave {keyword.arg} out.",
                    module.file,
                    keyword.value.lineno,
                )


def check_timeouts(module: Module, config: Mapping[str, object]) -> Iterator[Finding]:
    hint = config.get(LOCAL_SECONDS_KEY)
    wanted = float(hint) if isinstance(hint, int | float) and not isinstance(hint, bool) else None
    for node in module.nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "start"):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if not given.keys() & {"grid", "initial_arrays", "num_rounds"} or None in given:
            continue
        timeout = number_of(given["timeout"], module.names, config) if "timeout" in given else _DEFAULT_TIMEOUT
        told = (
            f"timeout is {timeout:g} seconds" if "timeout" in given else "timeout is not given, so it is 3600 seconds"
        )
        if timeout is not None and wanted is not None and timeout < wanted:
            why = f"{LOCAL_SECONDS_KEY} is {wanted:g}"
        elif timeout is not None and timeout < _SHORTEST and "timeout" in given:
            why = "no training in a hospital is that fast"
        else:
            continue
        least = max(_SHORTEST, 2 * (wanted or 0))
        yield found(
            "round_timeout_too_short",
            f"{told}, and {why}: a reply that comes later is ignored without a word.",
            f"Give strategy.start a timeout with a reserve, for example timeout={least:g}.",
            module.file,
            (given.get("timeout") or node).lineno,
        )
