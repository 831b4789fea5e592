# SPDX-License-Identifier: Apache-2.0
"""What each node's parameters are as values: made of the options of the parts that take them.

A part of fer_ros has its options beside itself, such as ``fer_ros.pipeline.PipelineOptions``. Here
are those of the nodes, and of what belongs to no single part.
"""

from dataclasses import dataclass

from fer_ros.emotions.smoothing import SmoothingOptions
from fer_ros.interaction.rules import EventOptions
from fer_ros.pipeline import PipelineOptions


@dataclass(frozen=True)
class ClassifierOptions:
    """Which expression model is loaded."""

    model: str
    threads: int


@dataclass(frozen=True)
class LoadOptions(ClassifierOptions):
    """What is loaded for a pipeline."""

    detector: str
    detector_model: str
    detection_threshold: float
    face_mesh: str


@dataclass(frozen=True)
class LoadedPipelineOptions(LoadOptions, PipelineOptions):
    """All that ``create_pipeline`` takes."""


@dataclass(frozen=True)
class AnalysisOptions(LoadedPipelineOptions, EventOptions):
    """All that decides the results for a recording."""

    image_rectified: str


@dataclass(frozen=True)
class ManagedNodeOptions:
    """Of every lifecycle node."""

    autostart: bool
    exit_on_failure: bool
    diagnostics_period: float


@dataclass(frozen=True)
class AgeLimits:
    """From which age of the results /diagnostics warns."""

    age_warn: float
    age_error: float


@dataclass(frozen=True)
class HealthLimits(AgeLimits):
    """From where /diagnostics warns; ``max_rate``, since dropping for it is no fault."""

    no_image_warn: float
    no_image_error: float
    missed_warn: float
    dropped_warn: float
    max_rate: float


@dataclass(frozen=True)
class ImageLimits:
    """Up to which size images are decoded."""

    max_image_megapixels: float

    @property
    def max_pixels(self) -> int:
        """Of a decoded image."""
        return int(self.max_image_megapixels * 1e6)


@dataclass(frozen=True)
class CompressedImageLimits(ImageLimits):
    """The same for compressed ones."""

    max_compressed_megabytes: float

    @property
    def max_bytes(self) -> int:
        """Of a compressed image."""
        return int(self.max_compressed_megabytes * 1e6)


@dataclass(frozen=True)
class EmotionNodeOptions(ManagedNodeOptions, AnalysisOptions, HealthLimits, CompressedImageLimits):
    """The parameters of emotion_node."""

    image_transport: str
    image_reliability: str
    context_period: float
    language: str
    jpeg_quality: int
    depth_topic: str
    depth_tolerance: float
    face_frames: bool
    ros4hri: bool
    detections: bool


@dataclass(frozen=True)
class ExpressionNodeOptions(
    ManagedNodeOptions, ClassifierOptions, SmoothingOptions, AgeLimits, ImageLimits
):
    """The parameters of expression_node."""

    max_faces: int


@dataclass(frozen=True)
class VideoSourceOptions:
    """The parameters of video_source."""

    source: str
    rate: float
    width: int
    height: int
    loop: bool
    encoding: str
    jpeg_quality: int
    frame_id: str
    start_when_subscribed: bool


@dataclass(frozen=True)
class WebViewOptions(CompressedImageLimits):
    """The parameters of web_view."""

    host: str
    port: int
    token_file: str
    token: str
    allowed_hosts: str
    max_viewers: int
    allow_changes: bool
    node: str
    image_transport: str
    rotate: int
    max_rate: float
    jpeg_quality: int
