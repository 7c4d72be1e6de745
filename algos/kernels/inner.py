"""Functions that only compiled code calls. They become part of their callers and have no machine code of their own.

Numba makes optimised machine code and a Python wrapper for each function, and again for each constant that it is called
with. For functions that only other kernels call, this would take most of the time of a first start.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering


class _Part(JITCodeLibrary):
    """Code that callers link, optimise and emit as a part of theirs."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerPart(NativeLowering):
    """Lowers a function to a ``_Part``."""

    _name = "lower_part"

    def run_pass(self, state: Any) -> bool:
        state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = state.flags.no_cpython_wrapper = state.flags.no_cfunc_wrapper = True
        super().run_pass(state)
        key = object()
        state.targetctx.insert_user_function(key, state.cr.fndesc, [state.library])
        state.cr = state.cr._replace(cfunc=key)
        return True


class _PartCompiler(CompilerBase):
    def define_pipelines(self) -> list[PassManager]:
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state, "part")
        passes.passes = [
            (_LowerPart if step is NativeLowering else step, description) for step, description in passes.passes
        ]
        return [passes]


class Inner(CPUDispatcher):
    """A function for compiled code. It is compiled once for all integers, whatever their type or value."""

    def __call__(self, *arguments: object) -> NoReturn:
        raise TypeError(f"{self.py_func.__name__} is called from compiled code only")

    def get_call_template(self, args: Any, kws: Any) -> Any:
        return super().get_call_template([_widened(argument) for argument in args], kws)

    def add_overload(self, cres: Any) -> None:
        self.overloads[tuple(cres.signature.args)] = cres


def inner(function: Callable[..., Any]) -> Any:
    """Decorate a function that only compiled code calls.

    A division by zero gives inf or nan, as NumPy's does. A check of every division would keep loops from using vectors.
    """
    return Inner(function, targetoptions={"nopython": True, "error_model": "numpy"}, pipeline_class=_PartCompiler)


def _widened(argument: Any) -> Any:
    """The type of an argument without its value. Every integer becomes int64, because loop indices have two types."""
    plain = types.unliteral(argument)
    return types.int64 if isinstance(plain, types.Integer) else plain
