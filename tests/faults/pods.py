"""An Indexed Job played by real processes that share one folder: an index has one, or two, or one after another."""

import json
import random
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.command import Done, finish
from tests.faults.sittings import KILLED, RESUMABLE, Trouble, await_end, children, strike

SHARDS = 3
_MARK = "FTORCH_TEST_PLACE"
MOST_TURNS = 40


class PlayedJob(Trouble):
    """A place whose one run is worked on by a process for each index, as Kubernetes would start them."""

    def pod(self, index: int, *options: str, **more: Any) -> subprocess.Popen[str]:
        """Start the process of an index."""
        log = self.path / f"termination-{index}"
        env = {_MARK: str(self.path), "JOB_COMPLETION_INDEX": str(index), "FTORCH_TERMINATION_LOG": str(log)}
        more["env"] = env | more.get("env", {})
        return self.popen("submit", "job.yaml", "--run", self.run, "--shard", "auto", "-q", *options, **more)

    def summary(self, index: int) -> dict[str, Any]:
        """What the last process of an index left for Kubernetes."""
        data = Path(self.path / f"termination-{index}").read_bytes()
        assert len(data) <= 4096
        found = json.loads(data)
        assert isinstance(found, dict)
        return found

    def play(self, chance: random.Random, hits: int, within: float) -> int:
        """Run the job to its end: processes are hit at random, indexes started again, some twice; how many hits."""
        landed = 0
        waiting = [*range(SHARDS), chance.randrange(SHARDS)]
        chance.shuffle(waiting)
        for _ in range(MOST_TURNS):
            if not waiting:
                return landed
            pods = [(index, self.pod(index)) for index in waiting]
            for _, process in chance.sample(pods, len(pods)):
                if landed < hits and not await_end(process.pid, chance.uniform(0, within)):
                    landed += _hit(process, chance)
            ended = [(index, finish(process)) for index, process in pods]
            assert self.left_behind() == [], "a worker outlived its supervisor"
            waiting = sorted({index for index, done in ended if _must_come_again(done)})
        raise AssertionError(f"the job was not done after {MOST_TURNS} turns")


def _hit(process: subprocess.Popen[str], chance: random.Random) -> bool:
    """Kill a process, or the worker of it alone, or ask it to stop."""
    number = chance.choice([signal.SIGKILL, signal.SIGTERM])
    victims = [process.pid]
    if number == signal.SIGKILL and chance.random() < 0.5:
        victims = children(process.pid)
    return bool(sum(strike(pid, number) for pid in victims))


def _must_come_again(done: Done) -> bool:
    """Whether Kubernetes would start the index again; anything but an end, a stop or a kill is a defect."""
    assert done.code in {0, RESUMABLE, KILLED, -signal.SIGKILL, -signal.SIGTERM}, done.err
    assert "Traceback" not in done.err, done.err
    return done.code != 0
