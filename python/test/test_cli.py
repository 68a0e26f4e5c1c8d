# SPDX-License-Identifier: MIT
"""The command line, used as by a user."""

import colorsys
import json
import subprocess
import sys
from pathlib import Path

import pytest

from triton_metal import cli

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ADD = f"{EXAMPLES / 'vector_add.py'}:add_kernel"
MATMUL = f"{EXAMPLES / 'matmul.py'}:matmul_kernel"
ADD_OPTIONS = [ADD, "--signature", "*fp32,*fp32,*fp32,i32", "--constexpr", "BLOCK_SIZE=128"]
ADD_LAUNCH = ["--grid", "8", "--arg", "n_elements=1000", "--elements", "1000"]


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs a command in this process and returns exit code, standard output and standard error."""

    def command(*arguments, **environment):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


@pytest.fixture
def output(run):
    """Runs a command that must succeed and returns its output."""

    def command(*arguments, **environment):
        code, out, err = run(*arguments, **environment)
        assert code == 0, err
        return out

    return command


@pytest.fixture
def refusal(run):
    """Runs a command that must fail and returns the one line that it prints."""

    def command(*arguments, **environment):
        code, out, err = run(*arguments, **environment)
        assert (code, out) == (1, "")
        lines = err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("triton-metal: "), err
        return lines[0]

    return command


def process(*arguments):
    command = [sys.executable, "-m", "triton_metal", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_info(output):
    info = json.loads(output("info", "--json"))
    assert info["versions"]["triton"].startswith("3.9.")
    assert info["versions"]["MLX, compiled with"] == info["versions"]["MLX, installed"]
    assert info["machine"]["active backend"].startswith("metal")
    assert info["machine"]["self-test"] == "passed"
    assert info["profile"]["name"] == "host"
    assert "self-test" in output("info")


def test_info_shows_the_profile_asked_for(output, refusal):
    assert json.loads(output("info", "--json", "--arch", "Apple M3 Max"))["profile"]["name"] == "m3-max"
    assert json.loads(output("info", "--json", TRITON_METAL_ARCH="m2"))["profile"]["name"] == "m2"
    assert "'m77'" in refusal("info", "--arch", "m77")


def test_compile_shows_every_stage(output):
    for stage, sign in (("ttir", "tt.func"), ("tt", "tt.func")):
        assert sign in output("compile", *ADD_OPTIONS, "--emit", stage)
    assert "mlx.add" in output("compile", *ADD_OPTIONS, "--emit", "mlx", *ADD_LAUNCH)


def test_compile_writes_a_file_and_json(output, tmp_path):
    path = tmp_path / "add.tt"
    assert output("compile", *ADD_OPTIONS, "-o", path) == ""
    report = json.loads(output("compile", *ADD_OPTIONS, "--json", "--arch", "m3"))
    assert report["stage"] == "tt" and report["arch"] == "m3"
    assert "tt.store" in report["text"] and "tt.store" in path.read_text()


def test_compile_takes_divisibility_and_constants(output):
    types = "*fp32:16,*fp32,*fp32,i32:1"
    text = output("compile", ADD, "--signature", types, "--constexpr", "BLOCK_SIZE=64", "--emit", "ttir")
    assert "tt.divisibility = 16" in text
    assert "%output_ptr: !tt.ptr<f32>" in text and "%n_elements: i32" not in text


def test_explain_counts_what_a_launch_becomes(output):
    explanation = json.loads(output("explain", *ADD_OPTIONS, *ADD_LAUNCH, "--json"))
    assert explanation["engine"] == "msl" and explanation["reason"]
    assert explanation["categories"]["gathers"] == explanation["categories"]["scatters"] == 0
    assert explanation["operations"]["add"] >= 1
    assert "element-wise" in output("explain", *ADD_OPTIONS, *ADD_LAUNCH)


def test_explain_finds_the_matmul(output):
    strides = dict(stride_am=64, stride_ak=1, stride_bk=64, stride_bn=1, stride_cm=64, stride_cn=1)
    sizes = dict(M=64, N=64, K=64, **strides)
    blocks = dict(BLOCK_M=32, BLOCK_N=32, BLOCK_K=16, GROUP=2)
    arguments = [f"--arg={name}={value}" for name, value in sizes.items()]
    constants = [f"--constexpr={name}={value}" for name, value in blocks.items()]
    signature = ",".join(["*fp32"] * 3 + ["i32"] * 9)
    launch = ["--grid", "4", *arguments, "--elements", 4096]
    report = output("explain", MATMUL, "--signature", signature, *constants, *launch, "--json")
    assert json.loads(report)["categories"]["matmuls"] >= 1
    assert counts(report)["loops"] == 1 and counts(report)["matrix products"] >= 1


def counts(report):
    return json.loads(report)["msl"]["counts"]


def test_explain_counts_the_loops_of_the_kernel(output, tmp_path):
    """Loops over the registers of a block are not loops of the kernel, however many registers there are."""
    types = ("--signature", "*fp32,*fp32,*fp32,i32", "--json")
    for block in (128, 32768):
        assert counts(output("explain", ADD, *types, "--constexpr", f"BLOCK_SIZE={block}"))["loops"] == 0
    file = tmp_path / "loops.py"
    file.write_text(
        "import triton\nimport triton.language as tl\n\n\n@triton.jit\n"
        "def kernel(x_ptr, n, m, B: tl.constexpr):\n"
        "    x = tl.zeros((B,), tl.float32)\n"
        "    for k in range(n):\n"
        "        while m > k:\n"
        "            x += tl.load(x_ptr + tl.arange(0, B) + m * n)\n"
        "            m = m // 2\n"
        "    tl.store(x_ptr + tl.arange(0, B), x)\n"
        "    tl.atomic_add(x_ptr, tl.sum(x))\n"
    )
    report = output(
        "explain", f"{file}:kernel", "--signature", "*fp32,i32,i32", "--constexpr=B=16384", "--json"
    )
    found = counts(report)
    assert found["loops"] == 2 and found["atomics"] == 1
    assert found["shuffles"] >= 1 and found["barriers"] >= 1 and found["matrix products"] == 0


def test_ops(output):
    table = json.loads(output("ops", "--json"))
    assert {"op", "kind", "mlx", "msl", "note", "types"} == set(table[0])
    names = {entry["op"] for entry in table}
    assert {"tt.load", "tt.store", "tt.dot", "tt.reduce"} <= names
    assert "tt.load" in output("ops")


def test_ops_tells_element_types(output):
    entries = {entry["op"]: entry for entry in json.loads(output("ops", "--json"))}
    product = entries["arith.mulf"]["types"]
    assert product["f32"] == {"msl": "right", "mlx": "right"}
    assert product["i32"] == {"msl": "not admitted", "mlx": "not admitted"}
    assert product["f8E5M2"] == {"msl": "in float32", "mlx": "in float32"}
    function = entries["math.exp"]["types"]["f8E5M2"]
    assert function["msl"].startswith("refused: ") and "float32" in function["mlx"]
    assert entries["tt.load"]["types"]["f8E5M2"] == {"msl": "right", "mlx": "right"}


def test_the_page_of_operations_is_up_to_date(output):
    page = EXAMPLES.parent / "docs" / "operations.md"
    assert page.read_text() == output("ops", "--markdown"), "triton-metal ops --markdown > docs/operations.md"


def test_usage_errors_are_one_line(refusal):
    assert "not FILE:KERNEL" in refusal("compile", "nothing", "--signature", "i32")
    assert "no file" in refusal("compile", "missing.py:kernel", "--signature", "i32")
    message = refusal("compile", f"{EXAMPLES / 'vector_add.py'}:other", "--signature", "i32")
    assert "other" in message and "add_kernel" in message
    message = refusal("compile", ADD, "--signature", "*fp32,i32", "--constexpr", "BLOCK_SIZE=128")
    assert "takes 4 arguments (x_ptr, y_ptr, output_ptr, n_elements)" in message
    assert "BLOCK_SIZE" in refusal("compile", ADD, "--signature", "*fp32,*fp32,*fp32,i32")
    assert "BLOCK" in refusal("compile", *ADD_OPTIONS, "--constexpr", "BLOCK=1")
    assert "--grid" in refusal("compile", *ADD_OPTIONS, "--emit", "mlx")
    assert "n_elements" in refusal("compile", *ADD_OPTIONS, "--emit", "mlx", "--grid", "8")
    assert "'m'" in refusal("compile", *ADD_OPTIONS, "--emit", "mlx", *ADD_LAUNCH, "--arg", "m=1")
    assert "--grid" in refusal("compile", *ADD_OPTIONS, "--emit", "mlx", "--grid", "1,2,3,4")
    assert "TRITON_INTERPRET" in refusal("compile", *ADD_OPTIONS, TRITON_INTERPRET="1")


def test_a_file_replaces_no_module_of_its_name(output, refusal, tmp_path):
    file = tmp_path / "colorsys.py"
    file.write_text((EXAMPLES / "vector_add.py").read_text().replace("add_kernel", "added"))
    output("compile", f"{file}:added", *ADD_OPTIONS[1:])
    file.write_text("raise ValueError('half loaded')")
    assert "half loaded" in refusal("compile", f"{file}:added", *ADD_OPTIONS[1:])
    assert colorsys.rgb_to_hsv(1, 0, 0) == (0, 1, 1) and sys.modules["colorsys"] is colorsys
    assert not any("colorsys" in name for name in sys.modules if name != "colorsys")


def test_a_kernel_that_does_not_compile_is_one_line(refusal, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text(
        "import triton\n"
        "import triton.language as tl\n\n\n"
        "@triton.jit\n"
        "def kernel(x_ptr):\n"
        "    tl.store(x_ptr, undefined_name)\n"
    )
    message = refusal("compile", f"{file}:kernel", "--signature", "*fp32")
    assert "undefined_name" in message


def test_a_file_that_fails_is_one_line(refusal, run, tmp_path):
    file = tmp_path / "fails.py"
    file.write_text("raise RuntimeError('on\\npurpose')\n")
    assert "RuntimeError: on" in refusal("compile", f"{file}:kernel", "--signature", "*fp32")
    with pytest.raises(RuntimeError, match="on\npurpose"):
        run("compile", f"{file}:kernel", "--signature", "*fp32", "--traceback")


def test_an_unknown_command_is_refused_by_the_parser(run):
    with pytest.raises(SystemExit) as refused:
        run("frobnicate")
    assert refused.value.code == 2


@pytest.mark.parametrize("command", ["info", "compile", "explain", "ops", "demo"])
def test_every_command_has_help(run, command, capsys):
    with pytest.raises(SystemExit) as done:
        run(command, "--help")
    assert done.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_exit_codes_and_streams_of_the_process():
    done = process("ops", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)
    done = process("compile", *ADD_OPTIONS, "--emit", "mlx", "--grid", "0", "--arg", "n_elements=1000")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("triton-metal: [grid]") and len(done.stderr.splitlines()) == 1
