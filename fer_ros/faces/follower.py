# SPDX-License-Identifier: Apache-2.0
"""The faces of one image after the other, followed by the face mesh: the detector runs seldom.

As MediaPipe does it: the points of one image say where to look in the next, and the mesh's presence
says whether the face is still there. The detector proposes new faces and finds lost ones; what it
proposes is published once verified. All time is the caller's, so the same images give the same
answer however fast they come.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from fer_ros.faces.detectors.base import Detection, Detector
from fer_ros.faces.finder import Found, largest_first
from fer_ros.faces.mesh import Look, Square, square_of
from fer_ros.faces.motion import Motion, moved
from fer_ros.faces.pose import head_pose
from fer_ros.faces.tracker import MIN_HITS, likeness
from fer_ros.faces.verifier import Verifier
from fer_ros.result import UNKNOWN_POSE, Box, HeadPose

KEEP = 0.3  # presence from which a verified face is still one
STAY = 0.5  # score from which the detector alone keeps a verified face
PROMISING = 0.1  # presence of a refused proposal that makes the next image worth a look
ROOM_INTERVAL = 0.1  # seconds between two looks for faces where there is none
CANDIDATES = 8  # new faces that are looked at in an image
SAME = 0.3  # overlap from which a proposal lies on a followed face
ONE = 0.5  # overlap from which two followed faces are one
TREMBLE = 0.01  # of the side, and rad, by which a square may differ and stays as it was
SLACK = 0.005  # seconds: stamps jitter
STRAYED = 0.1  # of the side, by which one of two has to be nearer to where it was expected
FORESEEN = 0.6  # seconds for which motion tells who is where
NEVER = -1  # number of no image, nor of one before the first


@dataclass
class _FollowedFace:
    id: int
    square: Square
    """Where the mesh looks next."""
    detection: Detection
    """The face as it is framed."""
    seen: float
    image: int
    pose: HeadPose = UNKNOWN_POSE
    points: np.ndarray | None = None
    by_mesh: bool = True
    proposal: Box | None = None
    """The detector's box when it last saw what the mesh saw, and ``framed``, how that framed it."""
    framed: Box | None = None
    hits: int = 0
    before: int = NEVER
    """The image in which it was seen before ``image``."""
    motion: Motion = field(default_factory=Motion)
    front: "tuple[_FollowedFace, Motion] | None" = None
    """Of a lost face: the one that goes on where both lay, and where that was about to go."""

    @property
    def box(self) -> Box:
        return self.detection.box


@dataclass
class MeshFollower:
    """Follows faces. The attributes may be changed between two images: ``max_gap``, seconds after
    which a face lost to both mesh and detector is forgotten; ``detection_interval``, seconds
    between two runs of the detector while all faces are followed; ``mesh_faces``: with more faces
    than this it is cheaper to run the detector in every image, and the mesh looks at the largest
    and at one of the others by turns.
    """

    detector: Detector
    verifier: Verifier
    max_gap: float = 1.0
    detection_interval: float = 0.3
    mesh_faces: int = 5
    refused: int = field(default=0, init=False)
    detections: int = field(default=0, init=False)

    def __post_init__(self):
        self.next_id = 1
        self._image = 0
        self.reset()

    @property
    def ids(self) -> set[int]:
        """Ids that live on, seen in the last image or not."""
        return {t.id for t in self._tracks}

    def reset(self) -> None:
        """Forget all faces; ids are not given again."""
        self._tracks: list[_FollowedFace] = []
        self._ran: float | None = None
        self._now: float | None = None
        self._promising = False

    def find(self, bgr: np.ndarray, now: float, max_faces: int) -> list[Found]:
        """The faces of an image, as ``fer_ros.faces.finder.Finder`` has it."""
        self._image += 1
        stands_still, self._now = now == self._now, now
        self._tracks = [t for t in self._tracks if now - t.seen <= self.max_gap]
        many = len(self._tracks) > self.mesh_faces
        if not many:
            for track in self._tracks:
                if track.image == self._image - 1 and track.by_mesh:
                    self._look(track, bgr, now)
        if many or stands_still or self._due(now):
            self._detect(bgr, now, many)
        self._unite(now)
        seen = {id(t.detection): t for t in self._tracks if t.image == self._image}
        smallest = max(1, self.detector.min_face_size)
        wide = [t.detection for t in seen.values() if t.box.width >= smallest]
        shown = [seen[id(d)] for d in largest_first(wide, bgr.shape)[:max_faces]]
        return [Found(t.id, t.detection, t.pose, t.points, t.by_mesh) for t in shown]

    def _due(self, now: float) -> bool:
        """Whether the detector is to run in this image."""
        if self._ran is None or any(t.image != self._image or not t.by_mesh for t in self._tracks):
            return True
        if not self._tracks and self._promising:
            return True
        interval = self.detection_interval
        if not self._tracks:
            interval = min(interval, ROOM_INTERVAL)
        return now - self._ran >= interval - SLACK

    def _look(self, track: _FollowedFace, bgr: np.ndarray, now: float) -> bool:
        """Look where a face was; whether it is there."""
        look = self.verifier.mesh.look(bgr, track.square)
        if look.presence < KEEP or look.square.side < 1:
            return False
        self._see(track, look, now)
        return True

    def _see(self, track: _FollowedFace, look: Look, now: float, proposal: Detection | None = None):
        score = proposal.score if proposal else track.detection.score
        still = track.image == self._image - 1 and track.by_mesh
        if still and track.square.is_near(look.square, TREMBLE):  # the framing must not tremble
            track.detection = replace(track.detection, score=score)
        else:
            track.square, track.detection = look.square, look.detection(score)
        track.pose, track.points, track.by_mesh = head_pose(look), look.points, True
        if proposal:
            track.proposal, track.framed = proposal.box, track.box
        self._touch(track, now)

    def _touch(self, track: _FollowedFace, now: float) -> None:
        if track.image != self._image:
            track.hits += 1
            track.before = track.image
        track.seen, track.image = now, self._image
        track.motion.note(now, track.box)

    def _detect(self, bgr: np.ndarray, now: float, many: bool) -> None:
        """Propose: what lies on a followed face confirms it, then lost ones, then new ones."""
        self._ran, self._promising = now, False
        self.detections += 1
        proposals = self.detector.detect(bgr)
        looked_at = self._turns() if many else ()
        for track, proposal in self._matches(proposals, now):
            proposals.remove(proposal)
            if track.image == self._image:
                track.proposal, track.framed = proposal.box, track.box
            else:
                covered = track.motion.before(now) if track.front else track.motion
                self._find_again(track, proposal, bgr, now, not many or track.id in looked_at)
                self._decide_anew(track, covered, proposal.box, now)
        free = [p for p in proposals if not self._taken(p)]
        for proposal in free[:CANDIDATES]:
            if self._taken(proposal):  # by one that was verified just now
                continue
            look, presence = self.verifier.verify(bgr, proposal)
            if look is None:
                self.refused += 1
                self._promising |= presence >= PROMISING
                continue
            track = _FollowedFace(self.next_id, look.square, proposal, now, NEVER)
            self.next_id += 1
            self._see(track, look, now, proposal)
            self._tracks.append(track)

    def _matches(
        self, proposals: list[Detection], now: float
    ) -> list[tuple[_FollowedFace, Detection]]:
        """Each track's proposal: those seen in this image first, then the longest known."""
        pairs = sorted(
            (track.image != self._image, track.hits < MIN_HITS, -like, t, p)
            for t, track in enumerate(self._tracks)
            for place in [self._places(track, now)]
            for p, d in enumerate(proposals)
            if (like := max(likeness(box, d.box) for box in place)) > 0
            and (like > 1 or track.image != self._image)
        )
        chosen: dict[int, int] = {}
        for *_, t, p in pairs:
            if t not in chosen.values() and p not in chosen:
                chosen[p] = t
        return [(self._tracks[t], proposals[p]) for p, t in chosen.items()]

    def _find_again(self, track, proposal, bgr, now, look_at_it: bool) -> None:
        """A known face where the detector sees one: framed by the mesh if that sees it too, by the
        detector alone if it lies where it was.
        """
        over = max(box.overlap(proposal.box) for box in self._places(track, now))
        square, looks = square_of(proposal), 2
        beside = track.box.overlap(proposal.box) < SAME
        if track.by_mesh and not beside and track.image == self._image - 1:
            box = moved(track.framed, track.proposal, proposal.box)
            square, looks = track.square.moved(track.box, box), 1
            if not look_at_it:
                track.square, track.points = square, None
                track.detection = Detection(box, proposal.score, proposal.eyes)
                self._touch(track, now)
                return
        for _ in range(looks):
            look = self.verifier.mesh.look(bgr, square)
            square = look.square
            if look.presence < KEEP or square.side < 1:
                break
        else:
            self._see(track, look, now, proposal)
            return
        if proposal.score >= STAY and over >= SAME:
            track.detection, track.by_mesh = proposal, False
            track.pose, track.points = UNKNOWN_POSE, None
            self._touch(track, now)

    def _turns(self) -> set[int]:
        """Ids that the mesh looks at among many: the largest, and one of the others by turns."""
        largest = max(self._tracks, key=lambda t: t.box.width)
        others = [t.id for t in self._tracks if t is not largest]
        return {largest.id, others[self._image % len(others)] if others else largest.id}

    def _taken(self, proposal: Detection) -> bool:
        """Whether a face seen in this image lies there."""
        return any(
            t.image == self._image and t.box.overlap(proposal.box) >= SAME for t in self._tracks
        )

    def _places(self, track: _FollowedFace, now: float) -> tuple[Box, ...]:
        """Where a face may be, seen in this image or not."""
        if track.image == self._image:
            return (track.box,)
        places = track.motion.places(now, track.image == self._image - 1)
        return places + track.front[1].places(now, False) if track.front else places

    def _unite(self, now: float) -> None:
        """Of two that lie on one face one goes on, the other is lost from now on: covered where it
        was before, and found again there or where it was about to go.
        """
        kept: list[_FollowedFace] = []
        for track in self._tracks:  # in the order of their ids
            if track.image != self._image:
                continue
            for other in [o for o in kept if o.box.overlap(track.box) >= ONE]:
                lost, front = (track, other) if self._stays(other, track, now) else (other, track)
                lost.image, lost.front = NEVER, (front, front.motion.before(now))
                lost.detection = Detection(lost.motion.undo_drift(now), lost.detection.score)
                if lost is track:
                    break
                kept.remove(other)
            else:
                kept.append(track)

    def _decide_anew(self, track: _FollowedFace, covered: Motion, box: Box, now: float) -> None:
        """Now that a face that was covered is seen again, at ``box``, and where the other one went:
        whether it was the other one that was covered. They go on as each other then.
        """
        if not track.front or track.image != self._image:
            return
        (front, was), track.front = track.front, None
        if front.image != self._image or was.age(now) > FORESEEN:
            return
        as_now, exchanged = was.distance(now, front.box), was.distance(now, box)
        if track.hits > MIN_HITS:
            as_now += covered.distance(now, box)
            exchanged += covered.distance(now, front.box)
        if exchanged + STRAYED < as_now:
            track.id, front.id = front.id, track.id
            track.motion, track.hits = was, front.hits
            track.motion.note(now, track.box)
            self._tracks.sort(key=lambda t: t.id)

    def _stays(self, older: _FollowedFace, younger: _FollowedFace, now: float) -> bool:
        """Whether the face that both lie on is that of the older one: a track that is no part of a
        face, was seen just now and moved on as it was about to, goes first.
        """
        ranks = [(t.hits < MIN_HITS, t.before != self._image - 1) for t in (older, younger)]
        if ranks[0] != ranks[1]:
            return ranks[0] < ranks[1]
        return older.motion.strayed(now, older.box) <= STRAYED + younger.motion.strayed(
            now, younger.box
        )
