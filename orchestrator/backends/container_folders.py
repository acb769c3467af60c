"""A role's folders inside its container. The data is in the container's own layer."""

from typing import Final

NODE_CONFIG: Final = "/lab/config"
NODE_DATA: Final = "/lab/data"
NODE_EXCHANGE: Final = "/lab/exchange"
