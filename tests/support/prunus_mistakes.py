"""What is said of a mistake in a configuration, for tests."""

import pytest

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig


def mistake(text: str) -> str:
    with pytest.raises(ConfigError) as info:
        NetworkConfig.from_toml(text, source="here")
    return str(info.value)
