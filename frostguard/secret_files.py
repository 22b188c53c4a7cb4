"""Where settings come from besides the environment: a file for each secret, and systemd's credentials."""

import os
from pathlib import Path
from typing import Any

from pydantic_settings import PydanticBaseSettingsSource

from frostguard.errors import UsageError


class SecretFiles(PydanticBaseSettingsSource):
    """NAME from the file that NAME_FILE names, else from $CREDENTIALS_DIRECTORY/NAME (systemd's LoadCredential)."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401 - the base class says so
        """Return the file's text without its line end, or None."""
        name = str(field.validation_alias or field_name).upper()
        named = os.environ.get(f"{name}_FILE")
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        candidates = [Path(named)] if named else []
        if folder:
            candidates += [Path(folder) / name, Path(folder) / name.lower()]
        for path in candidates:
            if named or path.is_file():
                try:  # an empty one says nothing: installations lay out a file for every secret there can be
                    return path.read_text().rstrip("\r\n") or None, name, False
                except OSError as error:
                    raise UsageError(f"{name}_FILE: cannot read {path}: {error.strerror}") from None
        return None, name, False

    def __call__(self) -> dict[str, Any]:
        """Return what files say, by the settings' names."""
        found = {}
        for field_name, field in self.settings_cls.model_fields.items():
            value, name, _ = self.get_field_value(field, field_name)
            if value is not None:
                found[name] = value
        return found
