"""Recordings for the tests, encoded by PyAV into whatever container is wanted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

LAYOUTS = {1: "mono", 2: "stereo", 8: "7.1"}


def tones(frequencies, rate, seconds=1.0):
    """One tone a channel, shape (channels, samples)."""
    t = np.arange(round(seconds * rate)) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * f * t) for f in frequencies]).astype(np.float32)


def write(path, samples, rate, codec, *, container=None, video=None, bit_rate=None, options=None):
    """Encode samples of shape (channels, samples), and a picture beside them where a video codec is named."""
    import av  # an extra

    with av.open(str(path), "w", format=container, options=options or {}) as file:
        if video:
            picture = file.add_stream(video, rate=25)
            picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
        if samples is not None:
            layout = LAYOUTS[len(samples)]
            stream = file.add_stream(codec, rate=rate, layout=layout)
            if bit_rate:
                stream.bit_rate = bit_rate
        file.start_encoding()
        if video:
            for index in range(25):
                frame = av.VideoFrame(32, 32, "yuv420p")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                file.mux(picture.encode(frame))
            file.mux(picture.encode(None))
        if samples is not None:
            coder = stream.codec_context
            resampler = av.AudioResampler(coder.format, layout, rate, frame_size=coder.frame_size or 1024)
            if samples.size:
                frame = av.AudioFrame(format="flt", layout=layout, samples=samples.shape[1])
                frame.planes[0].update(np.ascontiguousarray(samples.T))
                frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
                for part in [*resampler.resample(frame), *resampler.resample(None)]:
                    file.mux(stream.encode(part))
            file.mux(stream.encode(None))
    return path
