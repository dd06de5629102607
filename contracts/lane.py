"""What a lane is called. A name identifies; it never decides what may be done."""

from typing import Annotated

from pydantic import StringConstraints

from .contract import Contract

LanePart = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class Lane(Contract):
    """One stable Odoo environment."""

    product: LanePart
    """The tenant's product, for example `odoo-tenant-cm`."""
    context: LanePart
    """The context inside the product, for example `cm`."""
    instance: LanePart
    """The instance, for example `prod`. Metadata: no rule looks at it."""

    @classmethod
    def parse(cls, text: str) -> "Lane":
        """Read `product/context/instance`.

        Raises ValueError when the text is anything else.
        """
        parts = text.split("/")
        if len(parts) != 3:
            raise ValueError(f"a lane is written product/context/instance, not {text!r}")
        return cls(product=parts[0], context=parts[1], instance=parts[2])

    def __str__(self) -> str:
        return f"{self.product}/{self.context}/{self.instance}"
