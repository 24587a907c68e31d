"""Plain NumPy and OpenCV (opencv-python-headless): NMS only."""

from common import *

a = cli("numpy", ["nms"], lambda w: ["numpy-loop", "opencv-NMSBoxes"])
import numpy as np

D = data("nms")
b, s = D["boxes"], D["scores"]
if a.variant == "numpy-loop":

    def nms():
        idx = np.argsort(-s)
        area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
        keep = []
        while idx.size:
            i, r = idx[0], idx[1:]
            keep.append(i)
            w = np.minimum(b[i, 2], b[r, 2]) - np.maximum(b[i, 0], b[r, 0])
            h = np.minimum(b[i, 3], b[r, 3]) - np.maximum(b[i, 1], b[r, 1])
            inter = np.maximum(w, 0) * np.maximum(h, 0)
            idx = r[inter <= 0.5 * (area[i] + area[r] - inter)]
        return keep

    k = len(nms())
else:
    import cv2

    cv2.setNumThreads(a.threads)
    r = np.concatenate([b[:, :2], b[:, 2:] - b[:, :2]], 1).astype(np.float64)
    nms = lambda: cv2.dnn.NMSBoxes(r, s, 0.0, 0.5)
    k = len(nms())
measure(a, nms, dict(kept=k))
