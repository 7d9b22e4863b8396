import json
from .features import feature_names

__all__ = ["KIND_CUES", "WEIGHTS"]
_d = json.load(open("/work/plan/standing/weights.json"))
WEIGHTS = {"user": _d["user"], "system": _d["user"], "assistant": _d["assistant"], "tool": _d["assistant"]}
KIND_CUES = {
    "rule": {
        "prohibition": 2,
        "obligation": 1.4,
        "permission": 1.2,
        "imperative": 0.6,
        "prohibition_hint": 1.0,
        "obligation_hint": 0.7,
    },
    "limit": {"bound": 1.8, "bound_hint": 0.8, "deadline": 0.8, "money": 0.8, "quantity": 0.7, "date": 0.5},
    "fact": {
        "address": 1.5,
        "path": 1.5,
        "command": 1.3,
        "code": 1.5,
        "identity": 1.0,
        "name": 0.3,
        "date": 0.3,
        "time": 0.2,
    },
    "decision": {"decision": 1.8, "decision_hint": 0.9},
    "task": {"task": 1.8, "task_hint": 0.7},
    "preference": {"preference": 2.0, "preference_hint": 1.0},
}
