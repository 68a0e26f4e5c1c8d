# SPDX-License-Identifier: MIT
import os

import lit.formats

config.name = "triton-metal"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
translate_dir = os.path.join(os.path.dirname(config.tools_dir), "triton-metal-translate")
path = [config.tools_dir, translate_dir, config.llvm_tools_dir, config.environment.get("PATH", "")]
config.environment["PATH"] = os.pathsep.join(path)
config.environment["FILECHECK_OPTS"] = "--dump-input=fail"

# %compile-msl FILE: checks that clang compiles a printed text with the headers that stand in for Metal's.
root = os.path.dirname(config.test_source_root)
shim = os.path.join(root, "runtime", "shim")
with open(os.path.join(shim, "compile_flags.txt")) as flags:
    command = ["clang++", "-x c++ -fsyntax-only", *flags.read().split()]
command += ["-DTM_CPU_LOOPS", "-DTM_HAS_DOUBLE", "-DTM_HAS_ATOMIC64"]
command += ["-I" + shim, "-I" + os.path.join(root, "kernels")]
config.substitutions.append(("%compile-msl", " ".join(command)))
