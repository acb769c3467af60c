"""What a gamma camera sees of a whole body after a bone tracer: counts expected in each pixel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from modalities.phantoms.fields import Field, axes, within

#: Millimetres of the field of view: across, along the body.
FIELD_OF_VIEW: Final = (512.0, 2048.0)

Point = tuple[float, float]
#: Ends in mm from the body's midline and from the vertex, radii there in mm, uptake.
Bone = tuple[Point, Point, tuple[float, float], float]

#: Soft tissue, as capsules: head, neck, trunk; those of arms and legs are mirrored.
_BODY: Final[tuple[Bone, ...]] = (
    ((0, 85), (0, 165), (72, 68), 1.0),
    ((0, 200), (0, 290), (52, 60), 1.0),
    ((0, 360), (0, 700), (150, 128), 1.0),
    ((0, 700), (0, 860), (128, 150), 1.0),
)
_LIMBS: Final[tuple[Bone, ...]] = (
    ((110, 320), (165, 345), (52, 50), 1.0),
    ((178, 350), (205, 620), (46, 38), 1.0),
    ((205, 620), (222, 860), (38, 26), 1.0),
    ((222, 860), (222, 985), (28, 20), 1.0),
    ((78, 880), (82, 1230), (86, 56), 1.0),
    ((82, 1230), (78, 1620), (54, 34), 1.0),
    ((78, 1640), (92, 1745), (36, 30), 1.0),
)
#: Single bones in the midline.
_MIDLINE: Final[tuple[Bone, ...]] = (
    ((0, 195), (0, 330), (15, 17), 2.2),  # cervical spine
    ((0, 330), (0, 640), (17, 21), 2.6),  # thoracic spine
    ((0, 640), (0, 800), (23, 26), 3.0),  # lumbar spine
    ((0, 805), (0, 880), (34, 16), 3.0),  # sacrum
)
#: Bones of one side, mirrored.
_PAIRED: Final[tuple[Bone, ...]] = (
    ((20, 332), (150, 315), (9, 9), 1.9),  # clavicle
    ((165, 335), (172, 355), (22, 22), 2.6),  # shoulder
    ((172, 350), (202, 610), (13, 13), 1.3),  # humerus
    ((202, 610), (204, 634), (18, 18), 1.9),  # elbow
    ((200, 640), (215, 850), (8, 7), 1.2),  # radius and ulna
    ((213, 640), (226, 850), (8, 7), 1.2),
    ((222, 862), (222, 890), (17, 17), 1.7),  # wrist
    ((216, 895), (212, 985), (6, 5), 1.0),  # hand
    ((226, 895), (230, 985), (6, 5), 1.0),
    ((38, 800), (118, 775), (14, 13), 2.7),  # iliac crest
    ((38, 810), (52, 868), (17, 15), 3.2),  # sacroiliac joint
    ((118, 780), (104, 878), (13, 15), 2.2),
    ((104, 890), (104, 912), (25, 23), 2.6),  # hip
    ((96, 915), (30, 925), (10, 10), 2.0),  # pubis
    ((40, 930), (62, 975), (11, 12), 1.9),  # ischium
    ((116, 920), (84, 1230), (17, 16), 1.4),  # femur
    ((83, 1250), (83, 1285), (33, 32), 2.3),  # knee
    ((83, 1300), (80, 1610), (17, 14), 1.4),  # tibia
    ((103, 1310), (96, 1610), (7, 7), 0.9),  # fibula
    ((82, 1625), (84, 1650), (24, 24), 2.1),  # ankle
    ((86, 1660), (98, 1755), (20, 15), 1.3),  # foot
)
#: Seen better from one side than from the other.
_FRONT: Final[tuple[Bone, ...]] = (((0, 345), (0, 490), (16, 13), 2.2),)  # sternum
_RIBS: Final = 10


def expected_counts(rows: int, columns: int, *, from_behind: bool, hot: Point) -> Field:
    """Counts expected in each pixel (rows, columns) with a head on top, in arbitrary units.

    Args:
        from_behind: the posterior view, in which the patient's right is on the right.
        hot: a metastasis, mm from the midline (to the patient's left) and from the vertex.
    """
    x, y = axes(rows, columns)
    x = x * np.float32(FIELD_OF_VIEW[0] / 2)
    y = (y + np.float32(1)) * np.float32(FIELD_OF_VIEW[1] / 2) - np.float32(150)
    if from_behind:
        x = -x
    # symmetrical parts are drawn on one side, over distances from the midline
    aside = np.abs(x)
    counts = np.zeros((rows, columns), np.float32)
    for bone in (*_BODY, *_LIMBS):
        _draw(counts, aside, y, bone, blur_mm=14.0, counts=0.3)
    bones = np.zeros_like(counts)
    for bone in (*_MIDLINE, *_PAIRED, *(() if from_behind else _FRONT), *_ribs(from_behind)):
        _draw(bones, aside, y, bone, counts=_depth(bone, from_behind) * bone[3])
    _draw_skull(bones, aside, y)
    counts += bones
    # the tracer leaves through kidneys and bladder
    kidney, bladder = ((62, 640), (72, 690), (22, 22), 1.0), ((-8, 912), (8, 915), (27, 27), 1.0)
    _draw(counts, aside, y, kidney, blur_mm=16.0, counts=1.6 if from_behind else 0.5, on_top=True)
    _draw(counts, x, y, bladder, blur_mm=18.0, counts=3.0 if from_behind else 6.0, on_top=True)
    metastasis = (hot, (hot[0] + 10, hot[1] + 3), (13, 11), 1.0)
    _draw(counts, x, y, metastasis, blur_mm=12.0, counts=7.0 if from_behind else 5.0, on_top=True)
    return counts


def _ribs(from_behind: bool) -> Iterator[Bone]:
    for rib in range(_RIBS):
        top = 345 + 29 * rib
        reach = (92, 112, 124, 131, 135, 137, 137, 134, 128, 118)[rib]
        drop = 12 + 5 * rib if from_behind else 26 - rib
        start = (16, top) if from_behind else (26, top + 30)
        bend = (reach * 0.7, top + drop * 0.35) if from_behind else (reach * 0.75, top + drop)
        yield start, bend, (6, 6), 1.5
        yield bend, (reach, top + drop + 16), (6, 6), 1.5


def _depth(bone: Bone, from_behind: bool) -> float:
    """Spine and sacrum lie deep when seen from the front."""
    return 0.72 if not from_behind and bone in _MIDLINE else 1.0


def _draw_skull(bones: Field, aside: Field, y: Field) -> None:
    """A shell: brightest at its rim, where the view runs along it; face and jaw."""
    rows = slice(0, int(np.searchsorted(y[:, 0], np.float32(190))))
    across, along = aside / np.float32(70), (y[rows] - np.float32(92)) / np.float32(88)
    squared = across * across + along * along
    shell = np.float32(0.8) + np.float32(0.9) * np.minimum(squared, 1)
    shell *= within(squared, 1.0, 0.25)
    np.maximum(bones[rows], shell, out=bones[rows])
    _draw(bones, aside, y, ((0, 190), (40, 160), (13, 11), 1.0), counts=1.9)
    _draw(bones, aside, y, ((0, 125), (0, 150), (24, 22), 1.0), blur_mm=14.0, counts=1.8)


def _draw(
    onto: Field,
    x: Field,
    y: Field,
    bone: Bone,
    *,
    blur_mm: float = 9.0,
    counts: float,
    on_top: bool = False,
) -> None:
    """Draw a thick line whose radius changes along it.

    Where something is, the more counts win, or are added if ``on_top``.
    """
    (from_x, from_y), (to_x, to_y), radii, _ = bone
    reach = max(radii) + blur_mm
    top, bottom = np.searchsorted(y[:, 0], (min(from_y, to_y) - reach, max(from_y, to_y) + reach))
    near = np.flatnonzero((x[0] > min(from_x, to_x) - reach) & (x[0] < max(from_x, to_x) + reach))
    if not near.size:
        return
    # a part on both sides is drawn over everything between them, which is still little
    box = slice(int(top), int(bottom)), slice(int(near[0]), int(near[-1]) + 1)
    along, down = to_x - from_x, to_y - from_y
    off_x, off_y = x[:, box[1]] - np.float32(from_x), y[box[0]] - np.float32(from_y)
    part = off_x * np.float32(along) + off_y * np.float32(down)
    part = np.clip(part / np.float32(along * along + down * down), 0, 1)
    off_x, off_y = off_x - part * np.float32(along), off_y - part * np.float32(down)
    distance = np.sqrt(off_x * off_x + off_y * off_y)
    distance -= np.float32(radii[0]) + part * np.float32(radii[1] - radii[0])
    drawn = np.float32(counts) * within(distance, 0.0, blur_mm)
    (np.add if on_top else np.maximum)(onto[box], drawn, out=onto[box])
