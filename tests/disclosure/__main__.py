"""The long attack: `python -m tests.disclosure [WORLDS [FIRST_SEED]]`, 500 worlds by default.

Prints what it has found after every 50 worlds, one JSON object per line.

Per world: publications are compared with those of worlds built to differ in one withheld contribution, and bounds are
computed by integer programming for one agency, for two that conspire and for all others together.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from tests.disclosure.attacker import Attack
from tests.disclosure.worlds import Target, World, is_told, random_world, same, value_of, with_hidden

BUILT_PER_WORLD = 20
BOUNDED_PER_ATTACK = 4
KNOWING = {"one": lambda agencies: 1, "two": lambda agencies: 2, "all others": lambda agencies: agencies - 1}


@dataclass
class Tally:
    counts: Counter = field(default_factory=Counter)
    narrowest: dict[str, int] = field(default_factory=dict)
    widths: dict[str, Counter] = field(default_factory=dict)

    def width(self, name: str, values: int) -> None:
        self.narrowest[name] = min(self.narrowest.get(name, values), values)
        self.widths.setdefault(name, Counter())["exact" if values == 1 else "wider"] += 1


def build(world: World, rng: np.random.Generator, tally: Tally) -> None:
    published, targets = world.publish(), list(world.targets())
    for index in rng.permutation(len(targets))[:BUILT_PER_WORLD]:
        target = targets[index]
        if is_told(world, target):
            continue
        for value in range(world.minimum[target.group]):
            other = with_hidden(world, target, value)
            tally.counts["worlds built"] += 1
            tally.counts["leaks by construction"] += not (
                value_of(other, target) == value and same(published, other.publish())
            )


def bound(world: World, pooling: str, rng: np.random.Generator, tally: Tally) -> None:
    size = min(KNOWING[pooling](world.agencies), world.agencies - 1)
    knowing = set(rng.permutation(world.agencies)[:size].tolist())
    group, block = int(rng.choice(list(world.minimum))), int(rng.integers(2))
    attack = Attack(world, knowing, group, block)
    targets = [t for t in world.targets() if (t.group, t.block) == (group, block) and t.agency not in knowing]
    for index in rng.permutation(len(targets))[:BOUNDED_PER_ATTACK]:
        _bound(world, attack, targets[index], pooling, tally)
    tally.counts["programs solved"] += attack.problem.solved


def _bound(world: World, attack: Attack, target: Target, pooling: str, tally: Tally) -> None:
    low, high = attack.bounds(target.agency, target.district, week=target.week, cell=target.cell)
    if not low <= value_of(world, target) <= high:
        raise AssertionError(f"bounds {low} to {high} miss the truth: {target}")
    told, k = is_told(world, target), world.minimum[target.group]
    tally.width(f"{'told' if told else 'withheld'}, k {k}, known to {pooling}", high - low + 1)
    if not told:
        tally.counts["withheld bounded"] += 1
        tally.counts["leaks by programming"] += low > 0 or high < k - 1


def main(worlds: int = 500, first_seed: int = 0) -> None:
    tally = Tally()
    for seed in range(first_seed, first_seed + worlds):
        rng = np.random.default_rng(seed)
        world = random_world(rng)
        tally.counts["random worlds"] += 1
        build(world, rng, tally)
        for pooling in KNOWING:
            bound(world, pooling, rng, tally)
        if (seed + 1 - first_seed) % 50 == 0 or seed + 1 == first_seed + worlds:
            result = {**tally.counts, "narrowest interval": tally.narrowest, "intervals": tally.widths}
            sys.stdout.write(json.dumps(result) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
