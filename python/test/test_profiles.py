# SPDX-License-Identifier: MIT
"""The table of hardware profiles."""

import pytest

from triton_metal import _core

KEYS = {
    "name", "title", "family", "aliases", "gpu_cores", "float32_teraflops", "bandwidth_gbps", "msl_version",
    "simd_width", "max_threads_per_threadgroup", "threadgroup_memory", "max_buffers", "float64", "atomics64",
    "dynamic_caching", "tensor_ops", "orders_programs", "programs_may_wait",
}  # fmt: skip


def test_every_profile_is_complete_and_named_once():
    profiles = _core.profiles()
    names = [profile["name"] for profile in profiles]
    assert len(set(names)) == len(names)
    assert {"host", "m1", "m2", "m3", "m4", "m5"} <= set(names)
    for profile in profiles:
        assert set(profile) == KEYS
        assert profile["simd_width"] == 32
        assert profile["threadgroup_memory"] == 32 * 1024


def test_limits_grow_with_the_generations():
    assert [_core.profile(name)["atomics64"].split()[0] for name in ("m1", "m2", "host")] == [
        "none",
        "unsigned",
        "all",
    ]
    assert _core.profile("host")["float64"] == "native"
    assert _core.profile("m5-max")["float64"] == "software"
    assert _core.profile("m3")["dynamic_caching"] and not _core.profile("m2")["dynamic_caching"]
    assert _core.profile("m5")["tensor_ops"] and not _core.profile("m4")["tensor_ops"]


def test_names_are_found_however_they_are_written():
    for name in ("m3-max", "M3 Max", "Apple M3 Max", "m3max", "m3_max", "applegpu_g15s"):
        assert _core.profile(name)["name"] == "m3-max", name
    assert _core.profile("cpu")["name"] == "host"


def test_aliases_lead_back_to_their_profile():
    for profile in _core.profiles():
        for alias in (*profile["aliases"], profile["name"], profile["title"]):
            assert _core.profile(alias)["name"] == profile["name"], alias


def test_an_unknown_rate_is_none():
    assert _core.profile("m5-max")["float32_teraflops"] is None
    assert _core.profile("m5-max")["bandwidth_gbps"] == 614


@pytest.mark.parametrize("name", ["m9", "", "apple", "m3-mini", "sm_90"])
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=f"'{name}'.*m1-pro.*m5-max"):
        _core.profile(name)
