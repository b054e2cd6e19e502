"""Everything that knockon can say went wrong.

The tree, with the stable ``code`` of each leaf; each code has its page under ``docs/errors/``::

    KnockonError
    +-- UsageError                exit 2   the question or the command cannot be understood
    |   +-- BadUsage                         BAD_USAGE
    |   +-- ReferenceNotFound                REFERENCE_NOT_FOUND
    |   +-- ReferenceAmbiguous               REFERENCE_AMBIGUOUS
    |   +-- EditInvalid                      EDIT_INVALID
    |   +-- ChangeInvalid                    CHANGE_INVALID
    |   +-- BadFilter                        BAD_FILTER
    |   +-- BadCursor                        BAD_CURSOR
    |   +-- NotAuthenticated                 NOT_AUTHENTICATED
    |   +-- QueryInvalid                     QUERY_INVALID
    |   +-- QueryTooCostly                   QUERY_TOO_COSTLY
    |   +-- ScanTooLarge                     SCAN_TOO_LARGE
    +-- InputError                exit 2   a file cannot be read at all; nothing of it is written
    |   +-- FileUnreadable                   FILE_UNREADABLE
    |   +-- FileNotParsed                    FILE_NOT_PARSED
    |   +-- FormatUnknown                    FORMAT_UNKNOWN
    |   +-- SourceConflict                   SOURCE_CONFLICT
    |   +-- OverlayInvalid                   OVERLAY_INVALID
    |   +-- ScenarioInvalid                  SCENARIO_INVALID
    |   +-- RulesInvalid                     RULES_INVALID
    |   +-- ExportInvalid                    EXPORT_INVALID
    |   +-- ExportTooNew                     EXPORT_TOO_NEW
    +-- ModelError                exit 2   the metamodel has mistakes
    |   +-- ModelInvalid                     MODEL_INVALID
    +-- StoreError                exit 3   the store could not do what was asked
    |   +-- StoreUnreachable                 STORE_UNREACHABLE
    |   +-- StoreBusy                        STORE_BUSY
    |   +-- StoreTooNew                      STORE_TOO_NEW
    |   +-- StoreFailed                      STORE_FAILED
    |   +-- StoreUnfinished                  STORE_UNFINISHED
    +-- Overloaded                exit 3   the service cannot do it now, or not so much of it
    |   +-- TooBusy                          TOO_BUSY
    |   +-- TooManyAtOnce                    TOO_MANY_AT_ONCE
    |   +-- TimedOut                         TIMED_OUT
    |   +-- NotReady                         NOT_READY
    |   +-- IssuerUnreachable                ISSUER_UNREACHABLE
    +-- Refused                   exit 4   what was asked is understood, and not done
    |   +-- SafetyBrake                      SAFETY_BRAKE
    |   +-- AnswerGone                       ANSWER_GONE
    |   +-- PastTooFar                       PAST_TOO_FAR
    |   +-- JournalCompacted                 JOURNAL_COMPACTED
    |   +-- StoreNotEmpty                    STORE_NOT_EMPTY
    |   +-- NotAllowed                       NOT_ALLOWED
    |   +-- IllegalMove                      ILLEGAL_MOVE
    |   +-- KeptElsewhere                    KEPT_ELSEWHERE
    |   +-- EditConflict                     EDIT_CONFLICT
    |   +-- StillReported                    STILL_REPORTED
    +-- InternalError                        INTERNAL_ERROR

A record that is rejected while the rest of its file is loaded is not an exception: see
:class:`RejectCode`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class KnockonError(Exception):
    """The root: ``str()`` is one sentence that says what is wrong and what to do."""

    code: ClassVar[str] = "KNOCKON_ERROR"
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500


class UsageError(KnockonError):
    """The question or the command cannot be understood."""

    exit_code = 2
    http_status = 400


class BadUsage(UsageError):
    """Options or arguments contradict each other or make no sense."""

    code = "BAD_USAGE"


class ReferenceNotFound(UsageError):
    """A reference names nothing in the store."""

    code = "REFERENCE_NOT_FOUND"
    http_status = 404


class ReferenceAmbiguous(UsageError):
    """A reference names several things; the message lists them."""

    code = "REFERENCE_AMBIGUOUS"
    http_status = 409


class EditInvalid(UsageError):
    """The model does not take what a person wants to write; the message begins with the code of the reject."""

    code = "EDIT_INVALID"
    http_status = 422

    def __init__(self, message: str, reject: str | None = None) -> None:
        super().__init__(message)
        self.reject = reject


class BadFilter(UsageError):
    """A filter names an attribute, an operator or a value that the model does not allow."""

    code = "BAD_FILTER"


class BadCursor(UsageError):
    """A page cursor was not made by this service."""

    code = "BAD_CURSOR"


class ChangeInvalid(UsageError):
    """A change that is kept elsewhere cannot be taken as it was sent; nothing of it was written."""

    code = "CHANGE_INVALID"
    http_status = 422


class NotAuthenticated(UsageError):
    """No token, or one that is worth nothing."""

    code = "NOT_AUTHENTICATED"
    http_status = 401


class QueryInvalid(UsageError):
    """A GraphQL query is not well-formed, or does not fit the schema."""

    code = "QUERY_INVALID"


class QueryTooCostly(UsageError):
    """A GraphQL query asks for more at once than is served."""

    code = "QUERY_TOO_COSTLY"


class ScanTooLarge(UsageError):
    """A list would take a look at more things, one by one, than is served."""

    code = "SCAN_TOO_LARGE"


class InputError(KnockonError):
    """A file cannot be read at all; nothing of it is written."""

    exit_code = 2
    http_status = 422


class FileUnreadable(InputError):
    """The file does not exist, may not be opened, or is not UTF-8 text."""

    code = "FILE_UNREADABLE"


class FileNotParsed(InputError):
    """The file is not well-formed; the message has the line."""

    code = "FILE_NOT_PARSED"


class FormatUnknown(InputError):
    """No loader recognises the file, or the named format does not exist."""

    code = "FORMAT_UNKNOWN"


class SourceConflict(InputError):
    """The source is missing, badly named, or named differently in the file and by --source."""

    code = "SOURCE_CONFLICT"


class OverlayInvalid(InputError):
    """A what-if file has mistakes; the message lists them with file, line and code."""

    code = "OVERLAY_INVALID"


class ScenarioInvalid(InputError):
    """A scenario file has mistakes; the message lists them with file and line."""

    code = "SCENARIO_INVALID"


class RulesInvalid(InputError):
    """A file of compliance rules has mistakes; the message lists them with file and line."""

    code = "RULES_INVALID"


class ExportInvalid(InputError):
    """A file is no full export, or is not whole, or holds what no store keeps; the message has the line."""

    code = "EXPORT_INVALID"


class ExportTooNew(InputError):
    """A full export was written in a newer format."""

    code = "EXPORT_TOO_NEW"


class ModelError(KnockonError):
    """The metamodel has mistakes; only ``model lint``, which was asked to find them, ends with 1."""

    exit_code = 2


class ModelInvalid(ModelError):
    """The model files have mistakes; the message lists them with file and line."""

    code = "MODEL_INVALID"

    @classmethod
    def lacks(cls, what: str, name: str) -> ModelInvalid:
        """Say that an estate has something that the model knows nothing of."""
        return cls(f"The estate has {what} {name}, which the model lacks. Use the model files that have it.")


class StoreError(KnockonError):
    """The store could not do what was asked."""

    exit_code = 3
    http_status = 503


class StoreUnreachable(StoreError):
    """No connection, wrong address, or wrong credentials."""

    code = "STORE_UNREACHABLE"


class StoreBusy(StoreError):
    """Another writer held the store for too long."""

    code = "STORE_BUSY"


class StoreTooNew(StoreError):
    """The store was written by a newer knockon."""

    code = "STORE_TOO_NEW"


class StoreFailed(StoreError):
    """The database refused a statement; the message carries its words."""

    code = "STORE_FAILED"


class StoreUnfinished(StoreError):
    """A copy into the store is under way, or was cut off: it is no whole estate."""

    code = "STORE_UNFINISHED"

    @classmethod
    def anew(cls) -> StoreUnfinished:
        """Say what to do about a store that is no whole estate."""
        return cls(
            "This store is being filled by a copy or an import, or one was cut off in it: it is no whole estate. "
            "Wait for it, or copy or import into it once more: that begins anew."
        )


class Overloaded(KnockonError):
    """The service cannot do it now, or not so much of it."""

    exit_code = 3
    http_status = 503


class TooBusy(Overloaded):
    """As many requests as are answered at once are being answered."""

    code = "TOO_BUSY"


class TooManyAtOnce(Overloaded):
    """As many requests of this caller as are answered at once are being answered."""

    code = "TOO_MANY_AT_ONCE"
    http_status = 429


class TimedOut(Overloaded):
    """A request took longer than is served, and was given up."""

    code = "TIMED_OUT"


class NotReady(Overloaded):
    """The service lives, and cannot answer yet."""

    code = "NOT_READY"


class IssuerUnreachable(Overloaded):
    """Whose token it is cannot be told: the identity provider that has the keys does not answer."""

    code = "ISSUER_UNREACHABLE"


class Refused(KnockonError):
    """What was asked is understood, and not done."""

    exit_code = 4
    http_status = 409


class SafetyBrake(Refused):
    """A complete load would retire too much of its scope."""

    code = "SAFETY_BRAKE"


class AnswerGone(Refused):
    """An answer cannot be worked out again: its revision, its model or its program is not to be had."""

    code = "ANSWER_GONE"
    http_status = 410


class PastTooFar(Refused):
    """A question about the past would take back more of the journal than is done at once."""

    code = "PAST_TOO_FAR"


class JournalCompacted(Refused):
    """What was asked lies before the journal that is still kept."""

    code = "JOURNAL_COMPACTED"
    http_status = 410

    @classmethod
    def before(cls, horizon: int) -> JournalCompacted:
        """Say which revision is the oldest that can be asked about."""
        return cls(
            f"The journal up to revision {horizon} was compacted, so revision {horizon} is the oldest that can be "
            f"asked about. Changes are told from there on (`knockon changes --since {horizon}`); whoever follows them "
            "must read the whole estate anew."
        )


class StoreNotEmpty(Refused):
    """A store that something was ever written to is not filled with another estate."""

    code = "STORE_NOT_EMPTY"


class NotAllowed(Refused):
    """Who asks is known, and has no scope for this."""

    code = "NOT_ALLOWED"
    http_status = 403


class EditConflict(Refused):
    """What a person wants to change was changed since that person looked; ``changes`` tell by whom, when and how.

    They are of attributes of ``owner``, a class or a relationship type. Where something is there already, ``shared``
    are the attributes, by identifier set, that say so: who may read none of these sets is not told what it is.
    """

    code = "EDIT_CONFLICT"

    def __init__(
        self, message: str, changes: tuple[object, ...] = (), owner: str = "",
        shared: tuple[tuple[str, ...], ...] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.shared = shared
        self.changes = changes
        self.owner = owner


class IllegalMove(Refused):
    """A lifecycle has no such move, or nothing begins in such a state; ``legal`` are the states that it may go to."""

    code = "ILLEGAL_MOVE"

    def __init__(self, message: str, legal: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.legal = legal


class KeptElsewhere(Refused):
    """A person wants to move what another source says the state of."""

    code = "KEPT_ELSEWHERE"


class StillReported(Refused):
    """A person wants to take away what other sources still report."""

    code = "STILL_REPORTED"


class InternalError(KnockonError):
    """A mistake of knockon's own; the log has the details."""

    code = "INTERNAL_ERROR"


class RejectCode(StrEnum):
    """Why one record of a load was not taken. Depends on the record and the model alone."""

    UNKNOWN_CLASS = "UNKNOWN_CLASS"
    ABSTRACT_CLASS = "ABSTRACT_CLASS"
    UNKNOWN_ATTRIBUTE = "UNKNOWN_ATTRIBUTE"
    UNKNOWN_RELATIONSHIP_TYPE = "UNKNOWN_RELATIONSHIP_TYPE"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    MISSING_ATTRIBUTE = "MISSING_ATTRIBUTE"
    MISSING_IDENTIFIER = "MISSING_IDENTIFIER"
    MALFORMED_REFERENCE = "MALFORMED_REFERENCE"
    MALFORMED_RECORD = "MALFORMED_RECORD"
    SELF_LOOP = "SELF_LOOP"
    UNRESOLVED_REFERENCE = "UNRESOLVED_REFERENCE"  # only with --strict, and in what-if files


class FindingCode(StrEnum):
    """What a load noticed about records that it did take."""

    DUPLICATE_RECORD = "DUPLICATE_RECORD"
    WAITING_REFERENCE = "WAITING_REFERENCE"
    AMBIGUOUS_REFERENCE = "AMBIGUOUS_REFERENCE"
    RELATIONSHIP_NOT_ALLOWED = "RELATIONSHIP_NOT_ALLOWED"
    CONTAINMENT_CIRCLE = "CONTAINMENT_CIRCLE"  # things that contain each other
    NOT_COMPLETE = "NOT_COMPLETE"
    LARGE_RETIREMENT = "LARGE_RETIREMENT"  # a dry run of a load that would be refused
    SELF_LOOP = "SELF_LOOP"  # two references that turn out to mean one thing
    UNKNOWN_STATE = "UNKNOWN_STATE"  # a word that the lifecycle of the class does not have
    OUTDATED = "OUTDATED"  # its source has said something newer of the same things
    SEEN_IN_FUTURE = "SEEN_IN_FUTURE"  # nothing older will count until then
    DUPLICATE_IDENTIFIER = "DUPLICATE_IDENTIFIER"  # one source has two records with one identifier
    IDENTITY_VETO = "IDENTITY_VETO"  # one identifier agrees, a stronger one does not
    MISSING_PARENT = "MISSING_PARENT"  # its class has no identity but within a parent, and no parent is named
    CLASS_CONFLICT = "CLASS_CONFLICT"  # sources see one thing as classes on no one branch
    TOO_MANY_CLAIMANTS = "TOO_MANY_CLAIMANTS"  # a value that so many have identifies nobody
    LINK_CONFLICT = "LINK_CONFLICT"  # a person's link stands against a keep-apart
    PRESENT_AGAINST_STATUS = "PRESENT_AGAINST_STATUS"  # by its status not in operation, and yet seen
    ABSENT_AGAINST_STATUS = "ABSENT_AGAINST_STATUS"  # by its status in operation, and seen by nobody who looks


__all__ = [
    "AnswerGone",
    "BadCursor",
    "BadFilter",
    "BadUsage",
    "ChangeInvalid",
    "EditConflict",
    "EditInvalid",
    "ExportInvalid",
    "ExportTooNew",
    "FileNotParsed",
    "FileUnreadable",
    "FindingCode",
    "FormatUnknown",
    "IllegalMove",
    "InputError",
    "InternalError",
    "IssuerUnreachable",
    "JournalCompacted",
    "KeptElsewhere",
    "KnockonError",
    "ModelError",
    "ModelInvalid",
    "NotAllowed",
    "NotAuthenticated",
    "NotReady",
    "OverlayInvalid",
    "Overloaded",
    "PastTooFar",
    "QueryInvalid",
    "QueryTooCostly",
    "ReferenceAmbiguous",
    "ReferenceNotFound",
    "Refused",
    "RejectCode",
    "RulesInvalid",
    "SafetyBrake",
    "ScanTooLarge",
    "ScenarioInvalid",
    "SourceConflict",
    "StillReported",
    "StoreBusy",
    "StoreError",
    "StoreFailed",
    "StoreNotEmpty",
    "StoreTooNew",
    "StoreUnfinished",
    "StoreUnreachable",
    "TimedOut",
    "TooBusy",
    "TooManyAtOnce",
    "UsageError",
]
