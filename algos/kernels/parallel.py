"""A loop over independent tasks on Numba's threads, for compiled code.

Numba's own ``prange`` compiles the body of a loop several times and adds three wrappers with many arguments, which
takes most of the time of a first start. Here the body is compiled once.
"""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as numba_intrinsic
from numba.np.ufunc.parallel import _launch_threads

intrinsic: Any = numba_intrinsic  # its stub takes the typing context for an argument of the call
INTEGER = ir.IntType(64)
_BYTES = ir.IntType(8).as_pointer()
_KERNEL = ir.FunctionType(
    ir.VoidType(), [_BYTES.as_pointer(), INTEGER.as_pointer(), INTEGER.as_pointer(), _BYTES]
)  # of a part of the shares: where they begin, how many, how far apart, and what all of them see
_PARALLEL_FOR = ir.FunctionType(ir.VoidType(), [_BYTES] * 5 + [INTEGER] * 3)


@intrinsic
def for_each(typingctx: Any, count: Any, body: Any, arguments: Any) -> Any:
    """Call the ``inner`` function ``body(task, *arguments)`` for each task in 0 ... count - 1.

    Each of ``numba.get_num_threads()`` threads takes one range of tasks.
    """
    called = body.get_call_type(typingctx, (types.intp, *arguments), {})
    result = body.dispatcher.get_compile_result(called)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        count, _, values = args
        context.active_code_library.add_linking_library(result.library)
        context.active_code_library._reload_init.add(_launch_threads)
        _launch_threads()  # makes the functions known that are called here
        module = builder.module
        threads = builder.call(
            cgutils.get_or_insert_function(module, ir.FunctionType(INTEGER, []), "get_num_threads"), []
        )
        shares = builder.select(builder.icmp_signed("<", threads, count), threads, count)
        shares = builder.select(builder.icmp_signed("<", shares, INTEGER(1)), INTEGER(1), shares)
        values = [
            borrowed(context, builder, type_, builder.extract_value(values, i)) for i, type_ in enumerate(arguments)
        ]
        shared = cgutils.pack_struct(builder, [count, shares, INTEGER(0), *values])
        shared_at = cgutils.alloca_once_value(builder, shared)
        kernel = _kernel(context, module, result.fndesc, arguments, shared.type)
        # A share's number is the "address" of its place in an array of bytes from 0 on.
        first = cgutils.alloca_once_value(builder, ir.Constant(_BYTES, None))
        number, step = (cgutils.alloca_once_value(builder, value) for value in (shares, INTEGER(1)))
        parallel_for = cgutils.get_or_insert_function(module, _PARALLEL_FOR, "numba_parallel_for")
        with builder.if_else(builder.icmp_signed(">", shares, INTEGER(1))) as (several, alone):
            with several:
                pointers = [builder.bitcast(pointer, _BYTES) for pointer in (kernel, first, number, step, shared_at)]
                builder.call(parallel_for, [*pointers, INTEGER(0), INTEGER(1), shares])
            with alone:  # no other thread is woken
                builder.call(kernel, [first, number, step, builder.bitcast(shared_at, _BYTES)])
        failed = builder.load(cgutils.gep_inbounds(builder, shared_at, 0, 2))
        with cgutils.if_unlikely(builder, cgutils.is_not_null(builder, failed)):
            message = f"{result.fndesc.qualname} failed: too little memory is the only known cause"
            context.call_conv.return_user_exc(builder, MemoryError, (message,))
        return context.get_dummy_value()

    return types.void(types.intp, body, arguments), codegen


def borrowed(context: Any, builder: Any, type_: Any, value: Any) -> Any:
    """The value without a reference of its own: threads that count references to one array wait for each other."""
    elements: Any = type_
    if isinstance(type_, types.BaseTuple):
        for i, element_type in enumerate(elements):
            element = borrowed(context, builder, element_type, builder.extract_value(value, i))
            value = builder.insert_value(value, element, i)
    elif isinstance(type_, types.Array):
        array = context.make_array(type_)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        value = array._getvalue()
    return value


def _kernel(context: Any, module: Any, body: Any, types_: Any, shared_type: Any) -> Any:
    """The function that a thread runs: it makes the tasks of its shares."""
    function = ir.Function(module, _KERNEL, module.get_unique_name(f"tasks.{body.mangled_name}"))
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    starts, number, _, data = function.args
    start = builder.ptrtoint(builder.load(starts), INTEGER)
    stop = builder.add(start, builder.load(number))
    shared_at = builder.bitcast(data, shared_type.as_pointer())
    count, shares, _, *values = cgutils.unpack_tuple(builder, builder.load(shared_at))
    values = [
        context.cast(builder, value, type_, expected)
        for value, type_, expected in zip(values, types_, body.argtypes[1:], strict=True)
    ]
    first, last = (builder.sdiv(builder.mul(share, count), shares) for share in (start, stop))
    with cgutils.for_range_slice(builder, first, last, INTEGER(1)) as (task, _):
        called = context.declare_function(module, body)
        status, _ = context.call_conv.call_function(builder, called, body.restype, body.argtypes, [task, *values])
        with cgutils.if_unlikely(builder, status.is_error):
            builder.store(INTEGER(1), cgutils.gep_inbounds(builder, shared_at, 0, 2))
    builder.ret_void()
    return function
