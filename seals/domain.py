"""The values of a seal's life: application, approval, the made seal, its states, and where it goes on a page."""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from seals.artwork import SIZE_MM, SealText
from seals.errors import PlacementUnusable
from trust.kernel.identifiers import Uscc
from trust.kernel.text import check_person, check_reason
from trust.keys import KeyRef, UseContext

MIN_WIDTH_MM = 20.0  # below, the code on the lower arc is no longer legible in print
MAX_WIDTH_MM = 60.0  # the largest unit seal in use has 58 mm


class SealState(StrEnum):
    """Where a seal is in its life: 申请, 审批, 使用, 停用, 注销."""

    APPLIED = "applied"
    APPROVED = "approved"  # the intent to make it is committed; it becomes active when it is made
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealApplication:
    """Who asks for which seal. Raises as `check_person` for a `requested_by` that cannot be kept in clear."""

    seal_id: str
    text: SealText
    uscc: Uscc
    requested_by: str
    requested_at: datetime

    def __post_init__(self) -> None:
        check_person(self.requested_by, field="requested_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSeal:
    """What making a seal yields.

    Attributes:
        signer_key: the unit's sealing key in the device.
        chain: certificates above the signer's, DER, the root left out.
        der: the SESeal.
        vector: the picture as a PDF content stream in millimetres (`seals.picture.as_operators`).
    """

    signer_key: KeyRef
    chain: tuple[bytes, ...]
    der: bytes
    vector: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRecord:
    """A seal with its whole life so far. `made` is None until the seal is made."""

    application: SealApplication
    state: SealState
    approved_by: str | None = None
    approved_at: datetime | None = None
    made: MadeSeal | None = None

    @property
    def seal_id(self) -> str:
        """The seal's id, also `esID` of the SES seal."""
        return self.application.seal_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """One change of a seal's state: who, when, why. Raises as `check_person` and `check_reason`: both stay in clear."""

    state: SealState
    actor: str
    at: datetime
    reason: str

    def __post_init__(self) -> None:
        check_person(self.actor, field="by")
        check_reason(self.reason, field="reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """The maker of seals (制章者): its key in the device, its certificate, and the chain above without the root."""

    key: KeyRef
    x509: bytes
    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a seal goes: page from 1, the seal's centre in millimetres from the page's lower left corner, its width."""

    page: int
    x_mm: float
    y_mm: float
    width_mm: float = float(SIZE_MM)

    def __post_init__(self) -> None:
        """Refuse numbers that fit no page. Raises `PlacementUnusable`."""
        if self.page < 1:
            raise PlacementUnusable("Pages are counted from 1.", field="page")
        if not (math.isfinite(self.x_mm) and math.isfinite(self.y_mm)):
            raise PlacementUnusable("The place is not a number.", field="x_mm")
        if not MIN_WIDTH_MM <= self.width_mm <= MAX_WIDTH_MM:
            raise PlacementUnusable(
                f"A seal is {MIN_WIDTH_MM:g} to {MAX_WIDTH_MM:g} mm wide on the page.", field="width_mm"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class StampJob:
    """One document to stamp.

    `further_seals` lets other units countersign later (DocMDP level 2); otherwise every later change breaks the seal.
    """

    pdf: bytes
    placement: Placement
    context: UseContext
    reason: str | None = None
    further_seals: bool = False
