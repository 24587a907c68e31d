"""Augmentation: every epoch sees the examples a little different, so that the network learns what matters in them.

    A = kn.data.augment
    train = train.augmented([A.Mirror(), A.Crop(4), A.Brightness(0.2), A.Cutout(8)])
    net.fit(train, validation=validation)

Geometry    Mirror, Rotate, Scale, Shift, Crop, ResizedCrop: joined to one affine resampling, done first
Colours     Brightness, Contrast, Saturation, Hue: neighbours joined to one map of the colour space
Filters     Noise, Blur, Cutout
Batches     Mixup
"""

from .affine import map_points
from .augmented import Augmented
from .blur import Blur
from .colour import Brightness, Contrast, Hue, Saturation
from .crops import Crop, ResizedCrop
from .cutout import Cutout
from .mixup import Mixup
from .moves import Mirror, Rotate, Scale, Shift
from .noise import Noise
from .sheet import contact_sheet
from .step import AUGMENTATIONS, Augmentation, augmentation

__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
    "Augmented",
    "Blur",
    "Brightness",
    "Contrast",
    "Crop",
    "Cutout",
    "Hue",
    "Mirror",
    "Mixup",
    "Noise",
    "ResizedCrop",
    "Rotate",
    "Saturation",
    "Scale",
    "Shift",
    "augmentation",
    "contact_sheet",
    "map_points",
]
