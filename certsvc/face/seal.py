"""The image of an electronic seal, as a configured signing service returns it.

The product draws no seals: an image is printed only when its bytes are handed in.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import Final

from PIL import Image

from certsvc.face.errors import SealImageInvalid

# A round seal of an authority is 42 mm wide at most; 600 dpi make that 1,000 pixels.
MAX_SIDE_PX: Final = 2000
MAX_BYTES: Final = 512 * 1024
MAX_WIDTH_MM: Final = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SealImage:
    """A seal to be printed over the name of the authority.

    Attributes:
        png: a PNG, best with a transparent ground.
        width_mm: width on paper.
    """

    png: bytes = field(repr=False)
    width_mm: float = 40.0
    height_mm: float = field(init=False)

    def __post_init__(self) -> None:
        """Look at the image before anything draws it.

        Raises:
            SealImageInvalid: too large, or no PNG.
        """
        if len(self.png) > MAX_BYTES or not 5 <= self.width_mm <= MAX_WIDTH_MM:
            raise SealImageInvalid("the seal is larger than 512 KiB or 45 mm")
        try:
            with Image.open(io.BytesIO(self.png), formats=("PNG",)) as image:
                width, height = image.size
                if max(width, height) > MAX_SIDE_PX:
                    raise SealImageInvalid(f"the seal has more than {MAX_SIDE_PX} pixels a side")
                image.load()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise SealImageInvalid("the seal is no PNG") from error
        height_mm = self.width_mm * height / width
        if height_mm > MAX_WIDTH_MM:
            raise SealImageInvalid("the seal is higher than 45 mm")
        object.__setattr__(self, "height_mm", height_mm)

    def svg(self) -> str:
        """The image in an SVG of its size: the template takes text only."""
        data = base64.b64encode(self.png).decode("ascii")
        size = f'width="{self.width_mm:g}" height="{self.height_mm:g}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
            f'viewBox="0 0 {self.width_mm:g} {self.height_mm:g}">'
            f'<image {size} href="data:image/png;base64,{data}"/></svg>'
        )
