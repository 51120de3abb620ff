import pytest

from medrecog_core.errors import UsageError
from medrecog_core.networks import device
from medrecog_core.networks.device import Device, find_device, resolve_precision


@pytest.fixture
def fresh_device():
    find_device.cache_clear()
    yield
    find_device.cache_clear()


def test_this_machine_has_cores_and_a_name():
    found = find_device()
    assert found.n_cores >= 1
    assert found.name


@pytest.mark.usefixtures("fresh_device")
@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("sse avx512_bf16", "bfloat16"),
        ("sse avx512_bf16 avx512_fp16 amx_bf16", "bfloat16"),
        ("sse avx512_bf16 avx512_fp16", "float32"),
        ("sse avx2", "float32"),
    ],
)
def test_auto_precision_follows_the_processor(monkeypatch, flags, precision):
    monkeypatch.setattr(device, "_query_gpu", lambda: None)
    monkeypatch.setattr(device, "_read_cpu_info", lambda: ("a processor", set(flags.split())))
    assert resolve_precision("auto") == precision


@pytest.mark.usefixtures("fresh_device")
@pytest.mark.parametrize(("capability", "precision"), [(7.5, "float32"), (9.0, "bfloat16")])
def test_auto_precision_follows_the_gpu_where_there_is_one(monkeypatch, capability, precision):
    monkeypatch.setattr(device, "_query_gpu", lambda: ("a GPU", capability))
    assert find_device().kind == "gpu"
    assert resolve_precision("auto") == precision


@pytest.mark.usefixtures("fresh_device")
def test_gpu_is_asked_of_the_driver(monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA Something, 16 GB, 8.6'\n")
    monkeypatch.setattr(device, "_has_cuda_libraries", lambda: True)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert find_device() == Device("gpu", "NVIDIA Something, 16 GB", find_device().n_cores, True)


@pytest.mark.usefixtures("fresh_device")
def test_gpu_without_cuda_s_libraries_is_not_used(monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA Something, 16 GB, 8.6'\n")
    program.chmod(0o755)
    monkeypatch.setattr(device, "_has_cuda_libraries", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_device().kind == "cpu"


@pytest.mark.usefixtures("fresh_device")
@pytest.mark.parametrize("answer", ["exit 1", "echo garbage", ":"])
def test_driver_that_answers_nonsense_means_no_gpu(monkeypatch, tmp_path, answer):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    monkeypatch.setattr(device, "_has_cuda_libraries", lambda: True)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert find_device().kind == "cpu"


def test_named_precision_is_kept():
    assert resolve_precision("float32") == "float32"
    assert resolve_precision("bfloat16") == "bfloat16"


def test_unknown_precision_is_refused():
    with pytest.raises(UsageError, match=r"“float16”\. Available: auto, float32, bfloat16"):
        resolve_precision("float16")


@pytest.mark.usefixtures("fresh_device")
@pytest.mark.parametrize(
    ("flags", "setting", "system", "expected"),
    [
        ("sse avx512_vnni", "", "Linux", True),
        ("sse avx2", "", "Linux", False),
        ("sse avx512_vnni", "0", "Linux", False),
        ("sse avx512_vnni", "", "Darwin", False),
    ],
)
def test_onednn_is_told_by_processor_system_and_setting(
    monkeypatch, flags, setting, system, expected
):
    monkeypatch.setattr(device, "_query_gpu", lambda: None)
    monkeypatch.setattr(device, "_read_cpu_info", lambda: ("a processor", set(flags.split())))
    monkeypatch.setattr(device.platform, "system", lambda: system)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", setting)
    assert device.has_onednn() is expected


@pytest.mark.usefixtures("fresh_device")
def test_onednn_is_not_asked_where_a_gpu_does_the_work(monkeypatch):
    monkeypatch.setattr(device, "_query_gpu", lambda: ("a GPU", 9.0))
    assert not device.has_onednn()
