"""What a notebook shows beside its figures: tables, and numbers for its prose to quote."""

import numbers
import zlib


def glue(**values: float | str) -> None:
    """Publish numbers or texts by name; the page quotes them by {glue:text}`name:.3f`.

    Nothing is shown in the notebook itself. The same record that myst_nb.glue leaves, without
    needing myst_nb in the kernel.
    """
    from IPython.display import display

    mime = "application/papermill.record/text/plain"
    for name, value in values.items():
        plain = float(value) if isinstance(value, numbers.Real) else str(value)
        metadata = {"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}}
        display({mime: repr(plain)}, metadata=metadata, raw=True)


def table(frame, formats: dict[str, str]):
    """The columns named in `formats`, in that order, each written by its format string; for the
    last line of a cell.
    """
    shown = frame[list(formats)]
    name = f"{zlib.crc32(shown.to_csv().encode()):08x}"  # pandas would draw a random one
    styled = shown.style.hide().format(formats, na_rep="–").set_uuid(name)
    return styled.set_table_attributes('class="dataframe"')  # which the theme knows in the dark
