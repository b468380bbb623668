"""A message as it comes from outside: the body of an HTTP request, or a line of a file."""

from pydantic import BaseModel, Field

from eco2.state import UserLocation


class Location(BaseModel):
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    address: str | None = Field(default=None, max_length=200)

    def as_state(self) -> UserLocation | None:
        """`None` when it names no place."""
        if self.latitude is None or self.longitude is None:
            return UserLocation(address=self.address) if self.address else None
        where = UserLocation(latitude=self.latitude, longitude=self.longitude)
        return where | UserLocation(address=self.address) if self.address else where


class NewMessage(BaseModel):
    message: str = ""
    image_url: str | None = Field(default=None, max_length=2_000)
    user_location: Location | None = None
    user_id: str = Field(default="anonymous", max_length=100)
