No __init__.py, relative imports, a lazy attribute, a conditional definition, a match.
remove: app/__init__.py
-- app/client_app.py (more) --
from . import models
from .models import get_model as make
from .lazy import anything

match os.name:
    case "posix":
        app = app
-- app/lazy.py --
def __getattr__(name):
    return name
