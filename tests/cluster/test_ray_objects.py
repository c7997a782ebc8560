"""Where the rows of a part are already, and who holds it then (without Ray)."""

from backhand.cluster.parts import Parts
from backhand.cluster.ray_objects import _nearest, is_reference
from helpers.lossy_workers import LossyWorkers

ADDRESSES = {"n1": "10.0.0.1", "n2": "10.0.0.2", "n3": "10.0.0.1"}


def at(size, *nodes) -> dict:
    return {"node_ids": list(nodes), "object_size": size}


def test_the_nearest_machine_has_most_bytes_and_may_have_several_nodes() -> None:
    assert _nearest([at(5, "n2"), at(3, "n1"), at(3, "n3")], ADDRESSES) == {"10.0.0.1"}
    assert _nearest([at(5, "n1", "n2"), at(1, "n2")], ADDRESSES) == {"10.0.0.2"}
    assert _nearest([at(9, "a node that is gone"), at(None, "n2")], ADDRESSES) == {"10.0.0.2"}
    assert _nearest([at(9)], ADDRESSES) == _nearest([], ADDRESSES) == set()


def test_parts_are_held_near_to_their_rows_while_a_worker_is_there() -> None:
    transport = LossyWorkers(3, lambda worker, number: worker == 0 and number > 9, spare=0)
    transport.machines = ["a", "b", "b"]
    near = [{"b"}, {"a"}, set(), {"elsewhere"}, {"b"}]
    parts = Parts(transport, 5, near=near)
    assert parts.holders[1] == 0 and sorted([parts.holders[0], parts.holders[4]]) == [1, 2]
    while not transport.losses:
        assert len(parts.each(len)) == 5
    assert parts.holders[1] in (1, 2), "its machine has no worker any more"
    transport.close()


def test_a_reference_is_known_by_its_class_alone() -> None:
    named = type("ObjectRef", (), {"__module__": "ray._raylet"})
    other = type("ObjectRef", (), {"__module__": "rayon"})
    assert is_reference(named()) and not is_reference(other()) and not is_reference("ObjectRef")
