import errno
import io
import json
import subprocess
import sys

import pytest

from tanebi.base.log import Forgiving, configure, get_logger


def test_json_lines_carry_the_component(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="info", json=True)
    log = get_logger("kubelet")
    log.debug("hidden")
    log.info("started", name="p")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["component"], line["name"], line["level"]) == (
        "started",
        "kubelet",
        "p",
        "info",
    )


def test_people_get_key_value(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="nonsense means info")
    get_logger("kubelet").warning("slow", seconds=3)
    err = capsys.readouterr().err
    assert "slow" in err
    assert "seconds=3" in err


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise BrokenPipeError


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else() -> None:
    stream = Forgiving(Full())
    assert stream.write("x\n") == 2
    stream.flush()


def test_a_process_that_logs_does_not_load_what_colours_tracebacks() -> None:
    code = "import sys; import tanebi.base.log; assert 'rich' not in sys.modules; import rich.text"
    subprocess.run([sys.executable, "-c", code], check=True)
