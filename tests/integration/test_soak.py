"""The crash loop, short. `make soak` is the long one; harness/soak.py says what it does."""

import pytest

from harness import servers, reader, soak, soak_plan


@pytest.mark.slow
@pytest.mark.timeout_s(240)
@pytest.mark.parametrize("seed", [1691])  # a quick one that has nearly everything
def test_crash_loop(seed):
    if not servers.available() or reader.program() is None:
        pytest.skip("no MariaDB server or no steem-reader here")
    print(soak.soak(seed, rounds=10))


@pytest.mark.parametrize("seed", range(20))
def test_the_script_keeps_to_its_rule(seed):
    """Always a reader alive and a node without a fault; the same seed, the same script."""
    script = soak_plan.plan(seed, 300)
    assert str(script) == str(soak_plan.plan(seed, 300))
    gone, spoilt, is_down = set(), {}, False
    for steps, _, after in script:
        for step in steps + after:
            if step.kind in ("kill_reader", "freeze_reader"):
                assert step.who not in gone
                gone.add(step.who)
            elif step.kind in ("start_reader", "thaw_reader", "replace_reader"):
                gone.remove(step.who)
            elif step.kind in ("stop_reader", "double_reader"):
                assert step.who not in gone
            elif step.kind == "heal_node":
                spoilt.pop(step.who)
            elif step.kind.endswith("_node"):
                assert step.who not in spoilt
                spoilt[step.who] = step.details.get("what")
            elif step.kind in soak_plan.NEED_TABLES:
                assert not is_down
            is_down = (is_down or step.kind in soak_plan.OUTAGES) \
                and step.kind not in soak_plan.OUTAGES.values()
        assert len(gone) < soak_plan.READERS and len(spoilt) < soak_plan.NODES and not is_down
        if any(what == lie for what in spoilt.values() for lie, _ in soak_plan.LIES):
            assert len(spoilt) == 1
    kinds = {step.kind for steps, _, _ in script for step in steps}
    assert kinds >= soak_plan.KINDS.keys()
