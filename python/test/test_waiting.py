# SPDX-License-Identifier: MIT
"""Programs that wait for one another: what runs on the CPU device, and what is refused on a chip."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from conftest import forget_compiled_kernels
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from triton_metal.errors import DeadlockError, UnsupportedError

MSL = {"engine": "msl"}
CHIPS = ("m1", "m3", "m5")


@pytest.fixture(params=["loops", "fibers"])
def technique(request, monkeypatch):
    monkeypatch.setenv("TRITON_METAL_TECHNIQUE", request.param)
    forget_compiled_kernels()
    yield request.param
    forget_compiled_kernels()


# ---- chains: each program waits for the one before it ----


@triton.jit
def chained_sum(x_ptr, sum_ptr, flag_ptr, out_ptr, BLOCK: tl.constexpr, SEM: tl.constexpr):
    """An inclusive sum: each program adds to what the one before has published."""
    pid = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + pid * BLOCK + i)
    before = tl.zeros([BLOCK], x.dtype)
    if pid > 0:
        tl.atomic_poll(flag_ptr + pid - 1, pid, sem=SEM, scope="gpu")
        before = tl.load(sum_ptr + (pid - 1) * BLOCK + i)
    tl.store(sum_ptr + pid * BLOCK + i, before + x)
    tl.atomic_store(flag_ptr + pid, pid + 1, sem="release")
    tl.store(out_ptr + pid * BLOCK + i, before + x)


@pytest.mark.parametrize("flag", [torch.int16, torch.int32, torch.int64])
def test_a_chain_of_more_programs_than_threads(flag, technique):
    programs, block = (300, 64) if technique == "loops" else (40, 64)
    x = torch.arange(programs * block) % 97
    sums, out = torch.zeros_like(x), torch.zeros_like(x)
    flags = torch.zeros(programs, dtype=flag)
    chained_sum[(programs,)](x, sums, flags, out, BLOCK=block, SEM="acquire", **MSL)
    assert torch.equal(out.view(programs, block), x.view(programs, block).cumsum(0))


def test_all_threads_have_stored_before_the_flag(monkeypatch):
    """Without the barrier in front of the release, some of ten such launches lose values."""
    monkeypatch.setenv("TRITON_METAL_TECHNIQUE", "fibers")
    forget_compiled_kernels()
    programs, block = 40, 16384
    x = torch.arange(programs * block) % 97
    for _ in range(10):
        sums, out, flags = torch.zeros_like(x), torch.zeros_like(x), torch.zeros(programs, dtype=torch.int32)
        chained_sum[(programs,)](x, sums, flags, out, BLOCK=block, SEM="acquire", num_warps=32, **MSL)
        assert torch.equal(out.view(programs, block), x.view(programs, block).cumsum(0))
    forget_compiled_kernels()


@triton.jit
def tickets_in_order(ticket_ptr, turn_ptr, total_ptr, out_ptr):
    """Programs take turns in the order in which they came."""
    mine = tl.atomic_add(ticket_ptr, 1)
    tl.atomic_poll(turn_ptr, mine)
    total = tl.load(total_ptr) * 3 + mine
    tl.store(total_ptr, total)
    tl.store(out_ptr + mine, total)
    tl.atomic_add(turn_ptr, 1)


def test_a_ticket_lock_stressed(technique):
    programs = 60
    expected = [0]
    for i in range(programs):
        expected.append((expected[-1] * 3 + i) & 0xFFFFFFFF)
    expected = np.array(expected[1:], np.uint32).view(np.int32)
    for _ in range(50 if technique == "loops" else 5):
        ticket, turn, total = (torch.zeros(1, dtype=torch.int32) for _ in range(3))
        out = torch.zeros(programs, dtype=torch.int32)
        tickets_in_order[(programs,)](ticket, turn, total, out, num_warps=1, **MSL)
        np.testing.assert_array_equal(out.numpy(), expected)


@triton.jit
def wait_for_block(flag_ptr, x_ptr, out_ptr, BLOCK: tl.constexpr):
    """The last program waits for a flag of each of the others at once."""
    pid = tl.program_id(0)
    if pid < BLOCK:
        tl.store(x_ptr + pid, pid * pid)
        tl.atomic_store(flag_ptr + pid, pid + 5, sem="release")
    else:
        i = tl.arange(0, BLOCK)
        seen = tl.atomic_poll(flag_ptr + i, i + 5)
        tl.store(out_ptr + i, tl.where(seen, tl.load(x_ptr + i), -1))


@pytest.mark.parametrize("num_warps", [1, 8])
def test_a_block_of_flags(num_warps, technique):
    block = 64
    flag, x, out = (torch.zeros(block, dtype=torch.int64) for _ in range(3))
    wait_for_block[(block + 1,)](flag, x, out, BLOCK=block, num_warps=num_warps, **MSL)
    assert out.tolist() == [i * i for i in range(block)]


# ---- timeouts ----


@triton.jit
def poll_until(flag_ptr, out_ptr, timeout, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.atomic_poll(flag_ptr + i, 1, timeout_ns=timeout).to(tl.int32))
    tl.store(out_ptr + BLOCK, tl.atomic_poll(flag_ptr + 1, 1, timeout_ns=timeout).to(tl.int32))


@pytest.mark.parametrize("milliseconds", [0, 30])
def test_a_timeout_is_for_the_whole_block(milliseconds, technique):
    block = 32
    flag, out = torch.zeros(block, dtype=torch.int32), torch.full((block + 1,), 7, dtype=torch.int32)
    flag[3::5] = 1
    poll_until[(1,)](flag, out, 16, BLOCK=block, num_warps=2, **MSL)  # compiles it for both
    poll_until[(1,)](flag, out, 0, BLOCK=block, num_warps=2, **MSL)
    start = time.perf_counter()
    poll_until[(1,)](flag, out, milliseconds * 1_000_000, BLOCK=block, num_warps=2, **MSL)
    seconds = time.perf_counter() - start
    assert out.tolist() == [*flag.tolist(), 0]
    assert 2 * milliseconds / 1000 <= seconds < 2 * milliseconds / 1000 + 0.5


def test_the_host_may_come_later():
    flag, out = torch.zeros(32, dtype=torch.int32), torch.zeros(33, dtype=torch.int32)
    poll_until[(1,)](flag, out, 0, BLOCK=32, **MSL)
    threading.Timer(0.2, lambda: flag.fill_(1)).start()
    poll_until[(1,)](flag, out, 2**62, BLOCK=32, **MSL)
    assert out.tolist() == [1] * 33


# ---- deadlocks ----


@triton.jit
def wait_for_the_next(flag_ptr, out_ptr):
    pid = tl.program_id(0)
    if pid + 1 < tl.num_programs(0):
        tl.atomic_poll(flag_ptr + pid + 1, 1)
    tl.atomic_xchg(flag_ptr + pid, 1)
    tl.store(out_ptr + pid, pid)


BACKWARDS = """
import sys
sys.path.insert(0, {folder!r})
import torch
from test_waiting import MSL, chained_sum, wait_for_the_next
from triton_metal.errors import DeadlockError
flag, out = torch.zeros(50, dtype=torch.int32), torch.zeros(50, dtype=torch.int32)
for _ in range(2):
    try:
        wait_for_the_next[(50,)](flag, out, **MSL)
    except DeadlockError as error:
        print(error)
x = torch.ones(40 * 16, dtype=torch.int64)
sums, result, flags = torch.zeros_like(x), torch.zeros_like(x), torch.zeros(40, dtype=torch.int32)
chained_sum[(40,)](x, sums, flags, result, BLOCK=16, SEM="acquire", **MSL)
print("sum", result[-1].item())
"""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("how", ["loops", "fibers"])
def test_waiting_for_a_later_program_is_an_error(how, threads, run_python):
    done = run_python(
        BACKWARDS.format(folder=str(Path(__file__).parent)),
        TRITON_BACKEND="metal",
        TRITON_METAL_NUM_THREADS=str(threads),
        TRITON_METAL_TECHNIQUE=how,
        TRITON_METAL_WAIT_SECONDS="1",
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stdout
    for line in lines[:2]:
        assert re.search(
            r"test_waiting\.py:\d+: \[wait_for_the_next\] Programs wait for each other: program \(\d+,",
            line,
        )
    assert lines[2] == "sum 40"


@triton.jit
def wait_for_nothing(flag_ptr):
    tl.atomic_poll(flag_ptr, 77)


def test_a_value_that_nobody_stores():
    flag = torch.zeros(1, dtype=torch.int32)
    with pytest.raises(DeadlockError, match=r"program \(0, 0, 0\) waits here"):
        wait_for_nothing[(1,)](flag, **MSL)
    assert flag.item() == 0


# ---- chips ----


@triton.jit
def spin_lock(lock_ptr, x_ptr):
    while tl.atomic_cas(lock_ptr, 0, 1) == 1:
        pass
    tl.store(x_ptr, tl.load(x_ptr) + 1)
    tl.atomic_xchg(lock_ptr, 0)


@triton.jit
def exchange_lock(lock_ptr, x_ptr):
    got = tl.atomic_xchg(lock_ptr, 1)
    while got != 0:
        got = tl.atomic_xchg(lock_ptr, 1)
    tl.atomic_xchg(lock_ptr, 0)


@triton.jit
def read_until_set(flag_ptr, x_ptr):
    while tl.load(flag_ptr, volatile=True) == 0:
        pass
    tl.store(x_ptr, 1)


@triton.jit
def read_atomically(flag_ptr, x_ptr):
    n = 0
    while tl.atomic_load(flag_ptr) == 0:
        n += 1
    tl.store(x_ptr, n)


@triton.jit
def add_nothing(flag_ptr, x_ptr):
    while tl.atomic_add(flag_ptr, 0) == 0:
        pass


@triton.jit
def poll(flag_ptr, x_ptr):
    tl.atomic_poll(flag_ptr, 1)


@triton.jit
def poll_for_a_while(flag_ptr, x_ptr):
    tl.store(x_ptr, tl.atomic_poll(flag_ptr, 1, timeout_ns=1000).to(tl.int32))


@triton.jit
def look_back(flag_ptr, x_ptr):
    at = tl.program_id(0) - 1
    flag = 0
    while flag < 2:
        flag = tl.load(flag_ptr + at, volatile=True)
        if flag == 1:
            at -= 1


WAITS = [
    spin_lock,
    exchange_lock,
    read_until_set,
    read_atomically,
    add_nothing,
    poll,
    poll_for_a_while,
    look_back,
]


@triton.jit
def work_queue(counter_ptr, x_ptr):
    tile = tl.atomic_add(counter_ptr, 1)
    while tile < 100:
        tl.store(x_ptr + tile, tile * tile)
        tile = tl.atomic_add(counter_ptr, 1)


@triton.jit
def try_again(p_ptr, x_ptr):
    """A product by compare-and-swap."""
    factor = tl.load(x_ptr)
    old = tl.load(p_ptr)
    seen = tl.atomic_cas(p_ptr, old, old * factor)
    while seen != old:
        old = seen
        seen = tl.atomic_cas(p_ptr, old, old * factor)


@triton.jit
def some_tries(lock_ptr, x_ptr):
    tries = 0
    while (tl.atomic_xchg(lock_ptr, 1) == 1) & (tries < 10):
        tries += 1


@triton.jit
def follow(next_ptr, x_ptr):
    at = tl.program_id(0)
    while tl.load(next_ptr + at) != at:
        at = tl.load(next_ptr + at)
    tl.store(x_ptr + tl.program_id(0), at)


@triton.jit
def own_counter(count_ptr, x_ptr):
    while tl.load(count_ptr) > 0:
        tl.store(count_ptr, tl.load(count_ptr) - 1)


@triton.jit
def ticket(count_ptr, x_ptr):
    tl.store(x_ptr + tl.atomic_add(count_ptr, 1), tl.program_id(0))


@triton.jit
def statistics(count_ptr, x_ptr):
    """In place, with a counter that nobody reads."""
    i = tl.program_id(0)
    tl.store(x_ptr + i, tl.load(x_ptr + i) + 1)
    tl.atomic_add(count_ptr, 1)
    tl.store(x_ptr + i, tl.load(x_ptr + i) * 2)


@triton.jit
def in_place_then_ticket(count_ptr, x_ptr):
    i = tl.program_id(0)
    x = tl.load(x_ptr + i) + 1
    tl.store(x_ptr + i, x)
    if tl.atomic_add(count_ptr, 1) == 0:
        tl.store(count_ptr + 1, x)


GO_ON = [work_queue, try_again, some_tries, follow, own_counter, ticket, statistics, in_place_then_ticket]


@triton.jit
def last_one_sums(count_ptr, x_ptr):
    tl.store(x_ptr + tl.program_id(0), tl.program_id(0))
    if tl.atomic_add(count_ptr, 1) == tl.num_programs(0) - 1:
        tl.store(x_ptr + 64, tl.sum(tl.load(x_ptr + tl.arange(0, 64))))


@triton.jit
def last_one_reads_atomics(count_ptr, x_ptr):
    tl.atomic_add(x_ptr, tl.program_id(0))
    if tl.atomic_add(count_ptr, 1) == tl.num_programs(0) - 1:
        tl.atomic_xchg(x_ptr + 1, tl.atomic_load(x_ptr))


@triton.jit
def queue_in_place(counter_ptr, x_ptr):
    tile = tl.atomic_add(counter_ptr, 1)
    while tile < 100:
        tl.store(x_ptr + tile, tl.load(x_ptr + tile) + 1)
        tile = tl.atomic_add(counter_ptr, 1)


@triton.jit
def last_one_stores(count_ptr, x_ptr):
    tl.store(x_ptr, tl.program_id(0))
    if tl.atomic_add(count_ptr, 1) == tl.num_programs(0) - 1:
        tl.store(x_ptr, -1)


ORDERED = [last_one_sums, last_one_reads_atomics, queue_in_place, last_one_stores]


def compile_for(arch, kernel):
    names = kernel.arg_names
    source = ASTSource(kernel, {names[0]: "*i32", names[1]: "*i32"})
    return triton.compile(source, target=GPUTarget("metal", arch, 32), options=MSL).asm["msl"]


@pytest.mark.parametrize("arch", CHIPS)
@pytest.mark.parametrize("kernel", WAITS, ids=lambda kernel: kernel.__name__)
def test_waiting_is_refused_on_chips(kernel, arch):
    pattern = (
        rf"test_waiting\.py:\d+:\d+: \[tt\.\w+\] A program waits here for another one.* refused on {arch}\."
    )
    with pytest.raises(UnsupportedError, match=pattern):
        compile_for(arch, kernel)
    assert "atomic" in (text := compile_for("host", kernel)) or "volatile" in text or "TM_POLL" in text


@pytest.mark.parametrize("arch", CHIPS)
@pytest.mark.parametrize("kernel", GO_ON, ids=lambda kernel: kernel.__name__)
def test_what_waits_for_nobody_runs_on_chips(kernel, arch):
    assert compile_for(arch, kernel)


@pytest.mark.parametrize("arch", CHIPS)
@pytest.mark.parametrize("kernel", ORDERED, ids=lambda kernel: kernel.__name__)
def test_order_between_programs_is_refused_on_chips(kernel, arch):
    pattern = (
        r"test_waiting\.py:\d+:\d+: \[tt\.atomic_rmw\] What line \d+ does before this must be seen by line "
        rf"\d+ in another program, and Metal 3\.1 has no order between threadgroups: refused on {arch}\."
    )
    with pytest.raises(UnsupportedError, match=pattern):
        compile_for(arch, kernel)
    text = compile_for("host", kernel)
    assert "TM_BARRIER(mem_device_and_threadgroup)" in text


@triton.jit
def count_forever(flag_ptr, x_ptr):
    n = 0
    while tl.load(flag_ptr) == 0:
        n += 1
    tl.store(x_ptr, n)


@triton.jit
def store_forever(flag_ptr, x_ptr):
    flag = tl.load(flag_ptr)
    while flag == 0:
        tl.store(x_ptr, 1)
        flag = tl.load(flag_ptr)


@pytest.mark.parametrize("read_forever", [count_forever, store_forever], ids=lambda kernel: kernel.__name__)
def test_a_loop_that_nothing_ends_is_refused_everywhere(read_forever):
    for arch in ("host", *CHIPS):
        with pytest.raises(
            UnsupportedError, match=r"\[tt\.load\] Nothing in the loop changes what this reads"
        ):
            compile_for(arch, read_forever)


def test_values_of_what_runs_everywhere():
    counter, x = torch.zeros(1, dtype=torch.int32), torch.zeros(101, dtype=torch.int32)
    work_queue[(7,)](counter, x, **MSL)
    assert x.tolist() == [i * i for i in range(100)] + [0] and counter.item() == 107
    p, factor = torch.ones(1, dtype=torch.int32), torch.full((1,), 3, dtype=torch.int32)
    try_again[(19,)](p, factor, **MSL)
    assert p.item() == 3**19


def test_the_last_program_sums(technique):
    for _ in range(20):
        count, x = torch.zeros(1, dtype=torch.int32), torch.zeros(65, dtype=torch.int32)
        last_one_sums[(64,)](count, x, num_warps=2, **MSL)
        assert x[64].item() == 64 * 63 // 2
