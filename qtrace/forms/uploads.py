"""Files on their way into a form: stored at once, and kept over a form that must be shown again.

Between two submits a stored file travels as a sealed note in the form, so that an invalid form writes no row.
"""

from flask import current_app, request
from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.core.files import StoredFile, refresh
from qtrace.forms.controls.media import Files
from qtrace.forms.controls.rows import rearranged
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import FieldDefinition, Sent, controls
from qtrace.web.photos import seal, unseal


def receive(definition: FormDefinition, *, owner: int) -> tuple[Sent, dict[str, str]]:
    """Return what the present form sent with every file stored, and what is wrong with files by field.

    `owner` is who may bring the files back with the next submit: a person, or 0 for a form without an account.
    """
    files: dict[str, tuple[StoredFile, ...]] = {}
    errors: dict[str, str] = {}
    values = rearranged(request.form.to_dict(flat=False))
    for asked in definition.fields:
        for one in controls()[asked.control].file_fields(asked, Sent(values)):
            control = controls()[one.control]
            if isinstance(control, Files):
                files[one.id], error = _files_of(one, control, owner)
                errors |= {one.id: error} if error else {}
    return Sent(values, files), errors


def notes(sent: Sent, *, owner: int) -> dict[str, str]:
    """Return the sealed note of every file by its id, for a form that must be shown again."""
    key = str(current_app.secret_key)
    return {file.id: seal(file, key=key, user_id=owner) for files in sent.files.values() for file in files}


def _files_of(asked: FieldDefinition, control: Files, owner: int) -> tuple[tuple[StoredFile, ...], str]:
    key, data_dir = str(current_app.secret_key), current_app.config["QTRACE_DATA_DIR"]
    kept = unseal(request.form.getlist(f"{asked.id}.kept"), key=key, user_id=owner)
    found = [file for file in kept if refresh(file.id, data_dir=data_dir)]
    error = _("表单放了太久,有文件已被清理。请重新添加后再提交。") if len(found) < len(kept) else ""
    uploads = [upload for upload in request.files.getlist(asked.id) if upload.filename]
    if len(found) + len(uploads) > control.limit(asked):
        return tuple(found), control.too_many(control.limit(asked), len(found) + len(uploads))
    for upload in uploads:
        try:
            found.append(control.keep(asked, upload, data_dir=data_dir))
        except Refused as refused:
            error = refused.message
    return tuple(found), error
