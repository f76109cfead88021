"""What a connector may use of the outside world during one sync."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from qtrace.channels.drop import DropShop, VolumeFolder
from qtrace.sdk.connector import Manifest
from qtrace.sdk.errors import Permanent
from qtrace.sdk.settings import SettingValue
from qtrace.sdk.text import Text

NO_FOLDER = Text(
    "这个连接器没有声明需要文件夹(capabilities 缺少 drop_folder)。请联系插件作者。",
    "This connector does not declare the capability drop_folder. Please ask its author.",
)


class SyncContext:
    """The context of one account's sync."""

    def __init__(
        self, *, account: str, settings: Mapping[str, SettingValue], shop: DropShop, data_dir: Path, now: datetime
    ) -> None:
        self.account = account
        self.settings = settings
        self.shop = shop
        self.now = now
        self._data_dir = data_dir
        self._folder: VolumeFolder | None = None
        self._may_drop = False

    def allow(self, manifest: Manifest) -> None:
        """Open the doors the connector declared."""
        self._may_drop = "drop_folder" in manifest.capabilities

    @property
    def files(self) -> VolumeFolder:
        """Return the account's folder; refused to connectors that did not declare it."""
        if not self._may_drop:
            raise Permanent(NO_FOLDER)
        if self._folder is None:
            self._folder = VolumeFolder(self._data_dir, self.account, self.shop)
        return self._folder

    def close(self) -> None:
        """Give everything back."""
        if self._folder is not None:
            self._folder.close()
