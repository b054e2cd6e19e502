"""How long the GraphQL schema of the shipped model takes to build and to describe itself.

python benchmarks/schema.py [--rounds 5]: beside graphql-core's own reading of the same schema from its text,
in the same run. Processor seconds, the least of the rounds.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from graphql import build_schema as from_text
from graphql import get_introspection_query, graphql_sync

from knockon.graphql.schema import build_schema
from knockon.schema.installed import installed_model

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is done")
    rounds = parser.parse_args().rounds
    model = installed_model()
    text = build_schema(model).as_str()
    reference = from_text(text)
    ours, theirs = least(rounds, lambda: build_schema(model)), least(rounds, lambda: from_text(text))
    own = build_schema(model)._schema  # noqa: SLF001 - Strawberry has no public way to graphql-core's schema
    asked, bare = least(rounds, lambda: introspect(own)), least(rounds, lambda: introspect(reference))
    concrete = sum(not each.abstract for each in model.classes.values())
    print(f"{concrete} concrete classes, {len(text):,} characters of schema")
    print(
        f"build          {ours:6.2f} s, {ours / theirs:5.1f} times graphql-core's reading of the text ({theirs:.2f} s)"
    )
    print(f"introspection  {asked:6.2f} s, {asked / bare:5.1f} times the same question to that schema ({bare:.2f} s)")


def introspect(schema: Any) -> None:
    result = graphql_sync(schema, get_introspection_query())
    assert result.errors is None


def least(rounds: int, work: Callable[[], object]) -> float:
    def once() -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    return min(once() for _ in range(rounds))


if __name__ == "__main__":
    main()
