"""How an app calls the SDK: the trust's name is read, and one bad accession does not end a round."""

import ast
from collections.abc import Iterator
from typing import Final

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.modules import Module

_SUPERNODE: Final = "SUPERNODE_NAME"
_ACCESSION: Final = "get_by_accession_number"
_LOOPS: Final = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def check_supernode_name(module: Module, at_trusts: bool) -> Iterator[Finding]:
    """`at_trusts`: the ClientApp imports the module; a ServerApp may name its own numbers as it likes."""
    for node in module.nodes:
        if _sets_name(node, module):
            message = f"{_SUPERNODE} is set by the app. The platform sets it to the trust's registered name."
        elif at_trusts and _sends_written_name(node, module):
            message = "send_metrics is given a client name that is written in the code: it is the same at every trust."
        else:
            continue
        remedy = f'Only read it: os.getenv("{_SUPERNODE}", "unknown_client").'
        yield found("supernode_name_hard_coded", message, remedy, module.file, getattr(node, "lineno", None))


def _sets_name(node: ast.AST, module: Module) -> bool:
    match node:
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            return any(
                (isinstance(target, ast.Name) and target.id == _SUPERNODE and _is_text(node.value, module))
                or (
                    isinstance(target, ast.Subscript)
                    and _is_name(target.slice)
                    and module.names.of(target.value) == "os.environ"
                )
                for target in targets
            )
        case ast.Call():
            called = module.names.of(node.func)
            if called in ("os.environ.setdefault", "os.putenv"):
                return bool(node.args) and _is_name(node.args[0])
            if called == "os.environ.update":
                tables = [key for arg in node.args if isinstance(arg, ast.Dict) for key in arg.keys if key]
                return any(k.arg == _SUPERNODE for k in node.keywords) or any(_is_name(key) for key in tables)
            return False
        case _:
            return False


def _sends_written_name(node: ast.AST, module: Module) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "send_metrics"):
        return False
    given = [*node.args[:1], *[k.value for k in node.keywords if k.arg == "client_name"]]
    return bool(given) and _is_text(given[0], module)


def _is_text(node: ast.expr | None, module: Module) -> bool:
    value = module.names.value_of(node) if node is not None else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == _SUPERNODE


def check_accession_loops(module: Module) -> Iterator[Finding]:
    """Calls in a loop with no `try` between the loop and the call, directly or through a function of the file."""
    bare = {
        node.name
        for node in module.nodes
        if isinstance(node, ast.FunctionDef) and any(_calls(child, set(), False, True) for child in node.body)
    }
    lines = sorted({line for child in module.tree.body for line in _calls(child, bare, False, False)})
    for line in lines:
        yield found(
            "accession_loop_without_try",
            f"{_ACCESSION} is called in a loop without try: one accession without the resource ends the whole round.",
            "Put try … except Exception: continue around the call, inside the loop.",
            module.file,
            line,
        )


def _calls(node: ast.AST, bare: set[str], in_loop: bool, outside: bool) -> list[int]:
    """Lines of unguarded calls in loops, or with `outside` of those outside of loops."""
    lines: list[int] = []
    if isinstance(node, ast.Call) and in_loop is not outside and _is_accession_call(node, bare):
        lines.append(node.lineno)
    mapped = isinstance(node, ast.Call) and _maps(node)
    if isinstance(node, ast.Call) and mapped and not outside and _hands_on(node, bare):
        lines.append(node.lineno)
    guarded = _guarded(node)
    once = node.iter if isinstance(node, ast.For | ast.AsyncFor) else None  # computed before the loop starts
    for child in ast.iter_child_nodes(node):
        if id(child) in guarded:  # here only a loop inside the guard is of interest: there the guard ends the loop
            lines += [] if outside else _calls(child, bare, False, False)
        elif isinstance(child, _FUNCTIONS):
            lines += [] if outside else _calls(child, bare, mapped, False)
        else:
            lines += _calls(child, bare, in_loop or (isinstance(node, _LOOPS) and child is not once), outside)
    return lines


def _is_accession_call(node: ast.Call, bare: set[str]) -> bool:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr == _ACCESSION
    return isinstance(node.func, ast.Name) and node.func.id in bare


def _hands_on(node: ast.Call, bare: set[str]) -> bool:
    return any(isinstance(arg, ast.Name) and arg.id in bare for arg in node.args)


def _maps(node: ast.Call) -> bool:
    """`map(f, ids)` and pandas' `ids.apply(f)` are loops, too."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
    return name in ("map", "apply")


def _guarded(node: ast.AST) -> set[int]:
    match node:
        case ast.Try(handlers=[_, *_], body=body) | ast.TryStar(body=body):
            return {id(child) for child in body}
        case ast.With() | ast.AsyncWith() if any(_suppresses(item) for item in node.items):
            return {id(child) for child in node.body}
        case _:
            return set()


def _suppresses(item: ast.withitem) -> bool:
    call = item.context_expr
    name = call.func if isinstance(call, ast.Call) else None
    return (isinstance(name, ast.Attribute) and name.attr == "suppress") or (
        isinstance(name, ast.Name) and name.id == "suppress"
    )
