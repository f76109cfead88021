"""What a browser sent for a form: its texts, and its files put into the store before anything else is decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import current_app, request
from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.core.files import StoredFile, refresh
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Sent, Storage, controls
from qtrace.web.photos import seal, store_attachment, store_photo, unseal


@dataclass(frozen=True)
class Received:
    """What was sent, and which files could not be kept, by field."""

    sent: Sent
    errors: Mapping[str, str] = field(default_factory=dict)


def receive(definition: FormDefinition, *, user_id: int) -> Received:
    """Read the present request against a definition; a file that can't be kept is an error of its field."""
    files: dict[str, list[StoredFile]] = {}
    errors: dict[str, str] = {}
    known, data_dir = controls(), current_app.config["QTRACE_DATA_DIR"]
    for asked in definition.fields:
        control = known[asked.control]
        if control.storage != Storage.FILE_REFS:
            continue
        kept = unseal(request.form.getlist(f"{asked.id}.kept"), key=str(current_app.secret_key), user_id=user_id)
        files[asked.id] = [file for file in kept if refresh(file.id, data_dir=data_dir)]
        if len(files[asked.id]) < len(kept):
            errors[asked.id] = _("表单放了太久,有照片已被清理。请重新添加照片后再提交。")
        keep = store_attachment if control.any_file else store_photo
        for upload in request.files.getlist(asked.id):
            if not upload.filename:
                continue
            try:
                files[asked.id].append(keep(upload, data_dir=data_dir))
            except Refused as refused:
                errors[asked.id] = refused.message
    return Received(Sent(request.form.to_dict(flat=False), files), errors)


def kept_notes(sent: Sent, *, user_id: int) -> dict[str, str]:
    """Return the sealed note of each stored file, for a form that must be shown again."""
    key = str(current_app.secret_key)
    return {file.id: seal(file, key=key, user_id=user_id) for files in sent.files.values() for file in files}
