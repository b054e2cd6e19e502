"""The JSON form of an impact answer: DESIGN.md section 8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.itsm.blast_radius.confidence import confidence_json
from knockon.itsm.services.surroundings import surroundings_json
from knockon.itsm.values import ci_json, path_json, unknown_json

if TYPE_CHECKING:
    from knockon.cmdb.access import Sight
    from knockon.impact.propagation.explanation import Because
    from knockon.itsm.blast_radius.answer import ImpactAnswer


def impact_json(answer: ImpactAnswer, sight: Sight | None = None) -> dict[str, Any]:
    """Give DESIGN.md section 8's JSON form, as somebody sees it; None sees all."""
    return {
        "answerId": answer.id,
        "revision": answer.revision,
        "modelVersion": answer.model_version,
        "engineVersion": answer.engine_version,
        "asOf": answer.as_of,
        "given": answer.given,
        **({"window": str(answer.span)} if answer.span else {}),
        "seeds": [{**ci_json(s.ci), "asked": s.asked, "state": s.state.name} for s in answer.seeds],
        "assumed": [ci_json(each) for each in answer.assumed],
        "excludedTypes": list(answer.excluded_types),
        "affected": [
            {
                **ci_json(each.ci),
                "state": each.state.name,
                "distance": each.distance,
                "because": _because(each.because),
                "path": path_json(each.path),
            }
            for each in answer.affected
        ],
        "counts": {state.name: count for state, count in answer.counts.items()},
        "survivors": [
            {
                **ci_json(each.ci),
                "group": each.group,
                "up": each.up,
                "minUp": each.min_up,
                "lost": each.lost,
                "margin": each.margin,
            }
            for each in answer.survivors
        ],
        "starved": [{**ci_json(s.ci), "state": s.state.name, "because": s.because} for s in answer.starved],
        "already": [{**ci_json(a.ci), "state": a.state.name, "because": a.because} for a in answer.already],
        "excluded": [{**path_json((each.step,))[0], "because": each.because} for each in answer.excluded],
        "excludedTruncated": answer.excluded_truncated,
        "services": [
            {
                **ci_json(each.ci),
                "state": each.state.name,
                "criticality": each.criticality,
                "users": each.users,
                "because": _because(each.because),
                "path": path_json(each.path),
                **surroundings_json(each.around, sight),
                "newSinglePoints": [ci_json(point) for point in each.new_single_points],
            }
            for each in answer.services
        ],
        "newSinglePointsTruncated": answer.new_points_truncated,
        "notify": [{**ci_json(each.ci), "because": list(each.because)} for each in answer.notify],
        "unmapped": [ci_json(each) for each in answer.unmapped],
        "unknown": [unknown_json(each) for each in answer.unknown],
        "confidence": answer.confidence.value,
        "confidenceBecause": confidence_json(answer.confidence),
        "truncated": answer.truncated,
    }


def _because(because: Because) -> dict[str, Any]:
    group = because.group
    arithmetic = group and {
        "name": group.group,
        "total": group.total,
        "up": group.up,
        "full": group.full,
        "lost": group.lost,
        "minUp": group.min_up,
        "fullUp": group.full_up,
    }
    return {"text": because.text, "rule": because.rule, **({"group": arithmetic} if arithmetic else {})}
