"""Settings of printed certificates."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from certsvc.service.forms import service_address

ServiceAddress = Annotated[str, AfterValidator(service_address)]


class PrintingSettings(BaseModel):
    """What `Settings` holds about faces: how they are set, sealed and signed."""

    face_presses: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that set faces, for each process of the issuer service",
    )
    face_fonts: str = Field(
        default="",
        description="Folders of further fonts for rare characters, with colons; none by default",
    )
    faces_per_second: float = Field(
        default=0.0,
        ge=0,
        le=10_000,
        allow_inf_nan=False,
        description="Faces and exports a second for each client; 0 is no limit",
    )
    seal_url: ServiceAddress = Field(
        default="",
        repr=False,
        description="Signing service that returns images of seals; none by default",
    )
    pades: bool = Field(
        default=False, description="Whether faces are signed (PAdES; needs the extra `pades`)"
    )
    pades_tsa_url: ServiceAddress = Field(
        default="",
        repr=False,
        description="Time-stamping service (RFC 3161) for signatures on faces; none by default",
    )

    @property
    def font_folders(self) -> tuple[str, ...]:
        """The folders of further fonts."""
        return tuple(filter(None, self.face_fonts.split(":")))
