"""How the status calls of one function follow each other, branch by branch. Nothing is run."""

import ast
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.modules import Module
from flip_contracts.app_check.statuses_said import BAR, UPLOADED, calls_in_order, is_status_call, status_of

_EXITS: Final = frozenset({"sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit"})
_NOT_HERE: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Reach(IntEnum):
    """How surely RESULTS_UPLOADED is reported."""

    NEVER = 0
    DEAD = 1  # there is a call, where the code never comes
    ON_FAILURE = 2
    MAYBE = 3
    ALWAYS = 4


@dataclass(frozen=True, slots=True)
class End:
    """What is known at the end of a block."""

    furthest: int  # place in BAR, -1 for none
    ends: bool = False  # nothing after the block is reached
    reach: Reach = Reach.NEVER


class Flow:
    def __init__(self, module: Module):
        self._module = module
        self.findings: list[Finding] = []
        self.uploaded_lines: list[int] = []

    def block(self, body: list[ast.stmt], furthest: int = -1) -> End:
        ends, reach = False, Reach.NEVER
        for statement in body:
            if ends:
                reach = max(reach, _at_most(self._quietly(statement, furthest).reach, Reach.DEAD))
                continue
            end = self._statement(statement, furthest)
            furthest, ends, reach = end.furthest, end.ends, max(reach, end.reach)
        return End(furthest, ends, reach)

    def _quietly(self, statement: ast.stmt, furthest: int) -> End:
        kept = len(self.findings)
        end = self._statement(statement, furthest)
        del self.findings[kept:]  # the order of calls that never happen is of no interest
        return end

    def _statement(self, node: ast.stmt, furthest: int) -> End:
        match node:
            case ast.If():
                return self._if(node, furthest)
            case ast.For() | ast.AsyncFor() | ast.While():
                return self._loop(node, furthest)
            case ast.Try() | ast.TryStar():
                return self._try(node, furthest)
            case ast.With() | ast.AsyncWith():
                head = self._expressions([item.context_expr for item in node.items], furthest)
                return _then(head, self.block(node.body, head.furthest))
            case ast.Match():
                head = self._expressions([node.subject], furthest)
                branches = [self.block(case.body, head.furthest) for case in node.cases]
                if not any(isinstance(c.pattern, ast.MatchAs) and c.pattern.pattern is None for c in node.cases):
                    branches.append(End(head.furthest))
                return _then(head, _either(branches))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return End(furthest)
            case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
                end = self._expressions([node], furthest)
                return End(end.furthest, True, end.reach)
            case _:
                return self._expressions([node], furthest)

    def _if(self, node: ast.If, furthest: int) -> End:
        head = self._expressions([node.test], furthest)
        then, other = self.block(node.body, head.furthest), self.block(node.orelse, head.furthest)
        match self._truth(node.test):
            case True:
                end = End(then.furthest, then.ends, max(then.reach, _at_most(other.reach, Reach.DEAD)))
            case False:
                end = End(other.furthest, other.ends, max(other.reach, _at_most(then.reach, Reach.DEAD)))
            case _:
                end = _either([then, other])
        return _then(head, end)

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, furthest: int) -> End:
        head = self._expressions([node.test if isinstance(node, ast.While) else node.iter], furthest)
        body, after = self.block(node.body, head.furthest), self.block(node.orelse, head.furthest)
        truth = self._truth(node.test) if isinstance(node, ast.While) else None
        most = {True: Reach.ALWAYS, False: Reach.DEAD, None: Reach.MAYBE}[truth]
        reach = max(_at_most(body.reach, most), after.reach)
        endless = truth is True and not _breaks(node.body)
        return _then(head, End(max(head.furthest, body.furthest, after.furthest), endless, reach))

    def _try(self, node: ast.Try | ast.TryStar, furthest: int) -> End:
        body = self.block(node.body, furthest)
        good = _then(body, self.block(node.orelse, body.furthest))
        failed = [self.block(handler.body, furthest) for handler in node.handlers]
        # What goes on after the block is judged by the good way; by the failed ones where there is no other.
        goes_on = [end.furthest for end in ([good] if not good.ends else failed) if not end.ends]
        final = self.block(node.finalbody, max([furthest, good.furthest]))
        reach = max([good.reach, final.reach, *[_at_most(end.reach, Reach.ON_FAILURE) for end in failed]])
        return End(max([final.furthest, *goes_on]), not goes_on or final.ends, reach)

    def _expressions(self, nodes: list[ast.expr] | list[ast.stmt], furthest: int) -> End:
        ends, reach = False, Reach.NEVER
        for node in nodes:
            for call, maybe in calls_in_order(node):
                if self._module.names.of(call.func) in _EXITS and not maybe:
                    ends = True
                elif is_status_call(call):
                    status = status_of(call, self._module.names)
                    if status == UPLOADED:
                        self.uploaded_lines.append(call.lineno)
                        reach = max(reach, Reach.MAYBE if maybe else Reach.ALWAYS)
                    if status in BAR:
                        furthest = self._in_order(status, call.lineno, furthest)
                elif furthest == BAR.index(UPLOADED) and _is_strategy_start(call):
                    self._late("strategy.start comes after RESULTS_UPLOADED is reported.", call.lineno)
        return End(furthest, ends, reach)

    def _in_order(self, status: str, line: int, furthest: int) -> int:
        place = BAR.index(status)
        if place < furthest:
            self._late(f"{status} is reported after {BAR[furthest]}; the bar never goes back.", line)
        return max(place, furthest)

    def _late(self, message: str, line: int) -> None:
        remedy = f"The order is {', '.join(BAR)}."
        self.findings.append(found("lifecycle_order", message, remedy, self._module.file, line))

    def _truth(self, test: ast.expr) -> bool | None:
        """Of a condition that is the same in every run, else None."""
        match test:
            case ast.Constant():
                return bool(test.value)
            case ast.UnaryOp(op=ast.Not()):
                inner = self._truth(test.operand)
                return None if inner is None else not inner
            case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant("__main__")]):
                return False  # the platform imports the app
            case _:
                return None


def _then(first: End, second: End) -> End:
    """`second` follows `first`."""
    reach = _at_most(second.reach, Reach.DEAD) if first.ends else second.reach
    return End(second.furthest, first.ends or second.ends, max(first.reach, reach))


def _either(branches: list[End]) -> End:
    going_on = [end for end in branches if not end.ends]
    surely = all(end.reach is Reach.ALWAYS or end.ends for end in branches)
    reach = max(end.reach for end in branches)
    furthest = max(end.furthest for end in going_on or branches)
    return End(furthest, not going_on, reach if surely else _at_most(reach, Reach.MAYBE))


def _at_most(reach: Reach, most: Reach) -> Reach:
    return min(reach, most)


def _breaks(body: list[ast.stmt]) -> bool:
    """Whether a loop with this body can be left by `break`."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Break):
            return True
        if not isinstance(node, (*_NOT_HERE, ast.For, ast.AsyncFor, ast.While)):
            waiting += ast.iter_child_nodes(node)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            waiting += node.orelse
    return False


def _is_strategy_start(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "start"
        and any(keyword.arg in ("grid", "initial_arrays", "num_rounds") for keyword in call.keywords)
    )
