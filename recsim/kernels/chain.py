"""Kernels called one after the other for block after block of a range, without going back to Python in between.

A call from Python hands over dozens of arrays, which takes as long as a good part of a block's work and holds the
interpreter, for which every other thread has to wait. Here the arrays of all kernels are handed over once for the whole range.

Kernels are called by address: a compiled function that calls another one by name contains a copy of it, so that the
largest kernels would be compiled again for every policy.
"""

from __future__ import annotations

from typing import Any

from numba import njit, typeof
from numba.core import cgutils, types
from numba.core.dispatcher import Dispatcher
from numba.core.errors import TypingError
from numba.extending import NativeValue, intrinsic, models, register_model, typeof_impl, unbox

from recsim.kernels.flags import KERNEL


def is_compiled(kernel: Any) -> bool:
    """Whether it is a kernel that can be called by its address."""
    return isinstance(kernel, Dispatcher)


class Entry:
    """A kernel compiled for arguments of given types, as an argument of `run_blocks`.

    Attributes:
        address: where its machine code begins. signature: what it takes and gives back.
    """

    def __init__(self, kernel: Any, args: tuple) -> None:
        """Compile the kernel, or load it, for calls ``kernel(low, high, *args)``."""
        taken = (types.int64, types.int64, *(typeof(one) for one in args))
        kernel.compile(taken)
        self._kept = kernel.overloads[taken]  # the code lives as long as this
        self.signature = self._kept.signature
        self.address = int(self._kept.library.get_pointer_to_function(self._kept.fndesc.llvm_func_name))
        self.type = EntryType(self.signature)


class EntryType(types.Type):
    """The type of an entry: calls with arguments of any other type do not compile."""

    def __init__(self, signature: Any) -> None:
        self.signature = signature
        super().__init__(name=f"Entry({signature})")


@typeof_impl.register(Entry)
def _typeof_entry(value: Entry, context: Any) -> EntryType:
    return value.type


@register_model(EntryType)
class _EntryModel(models.PrimitiveModel):
    """An address."""

    def __init__(self, manager: Any, kind: EntryType) -> None:
        super().__init__(manager, kind, manager.lookup(types.intp).get_value_type())


@unbox(EntryType)
def _unbox_entry(kind: EntryType, value: Any, c: Any) -> NativeValue:
    held = c.pyapi.object_getattr_string(value, "address")
    address = c.unbox(types.intp, held)
    c.pyapi.decref(held)
    return address


@intrinsic
def call_each(context: Any, low: Any, high: Any, entries: Any, args: Any) -> tuple:
    """Call ``entries[k](low, high, *args[k])`` for each k in turn; what they give back is dropped."""
    for entry, own in zip(entries, args, strict=True):
        given = (low, high, *own)
        if tuple(entry.signature.args) != given:
            raise TypingError(f"an entry takes {entry.signature.args}, got {given}")

    def _lower(context: Any, builder: Any, signature: Any, values: list) -> Any:
        low, high = values[:2]
        addresses, groups = (cgutils.unpack_tuple(builder, value) for value in values[2:])
        for entry, address, group in zip(entries, addresses, groups, strict=True):
            taken, back = entry.signature.args, entry.signature.return_type
            function = context.call_conv.get_function_type(back, taken).as_pointer()
            status, _ = context.call_conv.call_function(
                builder, builder.inttoptr(address, function), back, taken,
                [low, high, *cgutils.unpack_tuple(builder, group)],
            )  # fmt: skip
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.none(low, high, entries, args), _lower


@njit(**KERNEL)
def run_blocks(first, last, size, entries, args):
    """Call ``entries[k](low, high, *args[k])`` for each k in turn, for blocks ``low`` to ``high - 1`` of first..last-1.

    Args:
        first, last: int64, range. size: int64, of a block; the last one may be smaller.
        entries: tuple of `Entry`. args: tuple of tuples, what the kernel of each takes after ``low, high``.
    """
    for low in range(first, last, size):
        call_each(low, min(low + size, last), entries, args)
