A module, a name and a dropped module of the app itself. What is guarded or for types only is not meant.
expect: file_dropped app/test_data.py
-- app/test_data.py --
X = 1
-- app/client_app.py (more) --
from typing import TYPE_CHECKING

import app.helpers.io  #> import_missing
from app.models import get_modle  #> import_missing
from app.test_data import X  #> import_missing
from .gone import y  #> import_missing

if TYPE_CHECKING:
    from app.nowhere import Z
try:
    from app.fast import go
except ImportError:
    go = None
