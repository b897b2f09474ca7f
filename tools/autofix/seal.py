"""What makes a row in the approvals' table an approval: a keyed hash over the plan, its hash, who, when and until when.

Whoever can write to the database but does not hold the process's key cannot approve; nor can an approval be moved to another plan, or
the plan under it be exchanged. It is looked at when a plan starts and again whenever one is taken up.
"""

from core.secrets import fingerprint, same
from tools.autofix.plan import Approval, Plan, plan_hash


class Seal:
    def __init__(self, key: str) -> None:
        self._key = key

    def put(self, plan_id: str, approval: Approval) -> Approval:
        return approval.model_copy(update={"proof": self._proof(plan_id, approval)})

    def holds(self, plan: Plan) -> bool:
        """Whether the plan is as it was proposed, and its approval is for it."""
        given = plan.approval
        if given is None or plan_hash(plan) != plan.hash or given.plan_hash != plan.hash:
            return False
        return same(given.proof, self._proof(plan.id, given))

    def _proof(self, plan_id: str, approval: Approval) -> str:
        times = (approval.at.isoformat(), approval.expires_at.isoformat())
        return fingerprint(self._key, "|".join((plan_id, approval.plan_hash, approval.approver, *times)))
