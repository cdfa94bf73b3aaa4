Native code.
-- app/client_app.py (more) --
import ctypes  #> native_code

from torch.utils.cpp_extension import load_inline

libc = ctypes.CDLL("libc.so.6")  #> native_code


def build():
    load_inline("x", "int x;")  #> native_code
